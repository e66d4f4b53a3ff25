"""The words by which a person ends messages on a phone, or asks what they are."""

from __future__ import annotations

import re
import unicodedata

# What carriers and authorities name, and what people write for it. Only a text that says nothing else
# counts: a word that stands alone is a wish, inside a sentence it is talk.
STOP = {
    "en": "stop, stop all, stopall, stop it, stop now, stop texting me, stop messaging me, stop messages, "
    "stop these messages, unsubscribe, unsubscribe me, unsub, cancel, end, quit, revoke, opt out, "
    "opt me out, optout, remove, remove me, no more, no more messages, no more texts, leave me alone, "
    "take me off, take me off your list, do not contact me, don't contact me, do not text me, don't text me",
    "de": "stopp, abmelden, abmeldung, abbestellen, austragen, abbrechen, aufhören, kündigen, "
    "keine nachrichten mehr, keine werbung, keine werbung mehr, nicht mehr schreiben, bitte löschen",
    "fr": "arrêt, arrêter, arrêtez, désabonner, désabonnement, me désabonner, désinscription, désinscrire, "
    "plus de messages, plus de sms, stop sms, stop pub",
    "es": "baja, darse de baja, dar de baja, darme de baja, alto, parar, para, cancelar, detener, no más, "
    "no más mensajes, cancelar suscripción, salir, basta",
    "pt": "sair, pare, parar, cancelar, cancelar inscrição, descadastrar, remover, chega, não quero mais, "
    "não enviar mais",
    "it": "ferma, fermati, basta, annulla, annulla iscrizione, disiscrivi, disiscrivimi, disiscrizione, "
    "cancellami, cancella, rimuovi, rimuovimi, non scrivetemi più",
    "nl": "stoppen, afmelden, uitschrijven, opzeggen, geen berichten meer, schrijf me uit",
    "pl": "rezygnuję, rezygnacja, wypisz, wypisz mnie, koniec, anuluj, nie chcę",
    "sv": "avsluta, avregistrera, avanmäl, sluta, inga fler meddelanden",
    "da": "afmeld, afslut, stands, ingen flere beskeder",
    "no": "avslutt, avmeld, slutt, meld meg av",
    "fi": "lopeta, peruuta, peru, ei enää",
    "cs": "odhlásit, odhlásit se, zrušit, konec",
    "sk": "odhlásiť, zrušiť, koniec",
    "hu": "leiratkozás, leiratkozom, leállít, elég, vége",
    "ro": "dezabonare, dezabonez, oprire, opriți",
    "hr": "odjava, odjavi, prekini",
    "bg": "стоп, отказ, откажи, край",
    "el": "στοπ, διακοπή, διαγραφή, τέλος",
    "ru": "стоп, отписаться, отписка, отпишите, отмена, хватит",
    "uk": "стоп, відписатися, відписка, скасувати, досить",
    "tr": "dur, durdur, iptal, ret, çık, abonelikten çık, istemiyorum",
    "ar": "توقف, إيقاف, إلغاء, إلغاء الاشتراك, الغاء, قف",
    "he": "הסר, הסרה, הסירו, עצור, בטל",
    "fa": "لغو, توقف, انصراف",
    "hi": "रोकें, बंद, बंद करो, रुको",
    "id": "berhenti, batal, henti",
    "vi": "dừng, hủy, huỷ, từ chối, ngừng",
    "th": "หยุด, ยกเลิก",
    "zh": "退订, 退訂, 停止, 取消, 取消订阅, 取消訂閱, 不要再发, td",
    "ja": "停止, 配信停止, 解除, 登録解除, 退会, ストップ",
    "ko": "수신거부, 중지, 정지, 해지, 그만",
}
HELP = {
    "en": "help, help me, info, information, who is this, who are you",
    "de": "hilfe, wer ist das, wer seid ihr",
    "fr": "aide, infos, qui est-ce",
    "es": "ayuda, información, quién es",
    "pt": "ajuda, informação, quem é",
    "it": "aiuto, informazioni, chi è",
    "nl": "hulp",
    "pl": "pomoc",
    "sv": "hjälp",
    "da": "hjælp",
    "fi": "apua",
    "cs": "pomoc",
    "hu": "segítség",
    "ro": "ajutor",
    "el": "βοήθεια",
    "ru": "помощь",
    "uk": "допомога",
    "tr": "yardım",
    "ar": "مساعدة",
    "he": "עזרה",
    "hi": "मदद",
    "id": "bantuan",
    "zh": "帮助, 幫助",
    "ja": "ヘルプ",
    "ko": "도움말",
}
POLITE = frozenset("please pls plz bitte danke thanks thank you merci svp por favor gracias grazie".split())
# A letter for another that decomposition does not give, as people leave them out.
ALIKE = str.maketrans({"ø": "o", "æ": "ae", "œ": "oe", "ł": "l", "đ": "d", "ı": "i", "ß": "ss"})


def is_opt_out(text: str) -> bool:
    """True where the whole text is a wish to hear no more, whatever its case, accents and punctuation."""
    return _said(text) in _STOPS


def asks_for_help(text: str) -> bool:
    """True where the whole text asks what these messages are."""
    return _said(text) in _HELPS


def _said(text: str) -> str:
    """The words of a text, each once, without accents and what is said out of politeness."""
    plain = unicodedata.normalize("NFKD", text.casefold()).translate(ALIKE)
    # Marks that are accents; in Indic and Thai script they are vowels.
    bare = "".join(letter for letter in plain if unicodedata.combining(letter) not in (230, 220, 202))
    words = re.findall(r"[^\W_]+(?:[\u0900-\u0dff\u0e00-\u0e7f]+[^\W_]*)*", bare)
    return "".join(dict.fromkeys(word for word in words if word not in POLITE))


def _spoken(words: dict[str, str]) -> frozenset[str]:
    return frozenset(_said(word) for given in words.values() for word in given.split(","))


_STOPS, _HELPS = _spoken(STOP), _spoken(HELP)
