"""When things run and what the UI shows. No rule about people, no HTTP."""
