-- Each combination of the columns occurs once.
{% test unique_by(model, columns) %}

select {{ columns | join(", ") }}
from {{ model }}
group by {{ columns | join(", ") }}
having count(*) > 1

{% endtest %}
