"""Texts with places: what they can do, and what they cannot."""

from __future__ import annotations

import pytest

from entrepot.adapters.mail.rendering import MOST_OUTPUT_CHARACTERS, fill_in
from entrepot.errors import TemplateRefused

VALUES = {"name": "nginx", "entries": [{"what": "<b>"}, {"what": "curl"}], "long": "x" * 5000}

CODE = (
    "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "{{ name.__init__.__globals__ }}",
    "{{ name.__class__ }}",
    "{{ name['__class__'] }}",
    "{{ name|attr('__class__') }}",
    "{{ cycler.__init__.__globals__.os.popen('id').read() }}",
    "{{ lipsum.__globals__['os'].popen('id').read() }}",
    "{{ self.__init__.__globals__ }}",
    "{{ self._TemplateReference__context }}",
    "{{ request.application }}",
    "{{ name.format('x') }}",
    "{{ '%s'|format(name) }}",
    "{{ '{0.__class__}'.format(name) }}",
    "{{ [].append(1) }}",
    "{% import 'os' as os %}",
    "{% include '/etc/passwd' %}",
    "{% extends 'base' %}",
    "{% macro m() %}{% endmacro %}",
    "{% set x = 1 %}{{ x }}",
    "{{ entries|map('upper')|list }}",
    "{% for a in entries recursive %}{{ loop(entries) }}{% endfor %}",
    "{% block a %}{% endblock %}",
    "{% filter upper %}x{% endfilter %}",
    "{% raw %}{% endraw",
)
HEAVY = (
    "{{ 9 ** 9 ** 9 }}",
    "{{ 'a' * 1000000000 }}",
    "{{ '%01000000000d' % 1 }}",
    "{% for a in range(100000000) %}x{% endfor %}",
    "{% for a in entries %}{% for b in entries %}x{% endfor %}{% endfor %}",
    "{% for a in 'abc' %}x{% endfor %}",
    "{{ name|center(1000000000) }}",
    "{{ name|replace('', long) }}",
    "{{ name|indent(100000000) }}",
    "{{ long|join(long)|join(long) }}",
    "{{ long" + "|join(', ')" * 30 + " }}",
    "{{ entries|join(long) }}",
    "{{ name" + "|upper" * 100 + " }}",
    "{{ name|wordwrap(1) }}",
    "{% for a in long %}{{ long }}{% endfor %}",
    "{{ " + "(" * 500 + "name" + ")" * 500 + " }}",
    "{% if name %}" * 300 + "{% endif %}" * 300,
    "{{ " + "not " * 3000 + "name }}",
    "x" * 20_000,
)
WRONG = (
    "{{ name",
    "{% for %}",
    "{{ absent }}",
    "{{ name.absent }}",
    "{{ name|absent }}",
    "{% if name is absent %}{% endif %}",
)


@pytest.mark.parametrize("text", [*CODE, *HEAVY, *WRONG], ids=lambda text: text[:40])
def test_what_does_more_than_show_is_refused(text: str) -> None:
    with pytest.raises(TemplateRefused) as refused:
        fill_in(text, VALUES)
    assert len(refused.value.detail) < 500


def test_values_are_shown_and_repeated() -> None:
    text = "{{ name|upper }}: {% for entry in entries %}{{ entry.what }}{% if not loop.last %}, {% endif %}{% endfor %}"
    assert fill_in(text, VALUES) == "NGINX: <b>, curl"
    assert fill_in(text, VALUES, html=True) == "NGINX: &lt;b&gt;, curl"
    assert fill_in("{% if name == 'nginx' and entries|length > 1 %}{{ name[:2] ~ '!' }}{% endif %}", VALUES) == "ng!"


def test_the_output_is_bounded() -> None:
    text = "{{ long }}" * 1000
    assert len(text) * 500 > MOST_OUTPUT_CHARACTERS
    with pytest.raises(TemplateRefused, match="longer"):
        fill_in(text, VALUES)
