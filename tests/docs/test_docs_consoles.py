"""Pages with console blocks say what their commands print: each is run, and ends well, and prints the like."""

from __future__ import annotations

import consoles
import pytest


@pytest.mark.parametrize("page", consoles.pages(), ids=lambda page: page.stem)
def test_the_commands_of_a_page_print_what_it_says(page):
    if consoles.needs_data(page):
        pytest.skip(f"{page.name} trains on real data, which takes minutes: make transcripts runs it")
    told, ran = consoles.told(page), consoles.run(page, inside=True)
    for old, new in zip(told, ran, strict=True):
        assert new.code == 0, "\n".join((new.command, *new.lines))
        assert consoles.shape(new.lines) == consoles.shape(old.lines), new.command


def test_a_plain_command_prints_the_same_in_this_process(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(
        "```console\n$ morphvec --version\n$ morphvec train 'no such.txt' -o m\n```\n", encoding="utf-8"
    )
    inside, outside = consoles.run(page, inside=True), consoles.run(page)
    assert inside == outside
    assert [ran.code for ran in inside] == [0, 2]
    assert inside[1].lines[0].startswith("morphvec: error: no such.txt: ")


def test_what_a_shell_has_to_do_is_left_to_it():
    assert consoles.is_plain(r"morphvec vocab a.txt --tokenizer 'regex:\w+|$' -o v")
    for command in ("morphvec doctor m | tail", "morphvec train $A", 'morphvec similarity m "a" b', "ls"):
        assert not consoles.is_plain(command)


def test_what_the_comparison_sees(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(
        "# A page\n\n```console\n$ echo 12 words\n7 words\n$ echo one &&\n> echo two\n```\n", encoding="utf-8"
    )
    told, ran = consoles.told(page), consoles.run(page)
    assert [one.command for one in told] == ["echo 12 words", "echo one &&\necho two"]
    assert ran[0].lines == ("12 words",)
    assert consoles.shape(ran[0].lines) == consoles.shape(told[0].lines)
    assert consoles.shape(ran[1].lines) != consoles.shape(told[1].lines)
    consoles.rewrite(page)
    assert page.read_text(encoding="utf-8").endswith("$ echo one &&\n> echo two\none\ntwo\n```\n")
    assert consoles.shape(("  0.5123  walk   12", "a: 3 words in 1.2 s")) == ["ANSWER 0", "a: 0 words in 0 s"]


def test_a_command_that_fails_is_not_written_down(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("```console\n$ echo before; exit 3\n```\n", encoding="utf-8")
    with pytest.raises(SystemExit, match="exit code 3"):
        consoles.rewrite(page)
