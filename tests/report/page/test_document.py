import base64
import re

from sklearn_msd.report.page.document import (
    Heading,
    Paragraph,
    Picture,
    Table,
    write_html,
    write_markdown,
)

PNG = b"\x89PNG not really"
BLOCKS = [
    Heading(1, "Songs & <genres>"),
    Paragraph("**Bold** and `code --flag`.", notice=True),
    Table(["Model", "Score"], [["a|b", "0.5"], ["c", "–"]]),
    Picture("one", PNG, "A picture."),
]


def test_html_is_one_file_that_holds_everything(tmp_path):
    write_html(BLOCKS, tmp_path / "page.html")
    text = (tmp_path / "page.html").read_text()
    assert "<h1>Songs &amp; &lt;genres&gt;</h1>" in text
    assert "<b>Bold</b> and <code>code --flag</code>" in text
    assert "<td>a|b</td><td class=n>0.5</td>" in text
    (encoded,) = re.findall(r'src="data:image/png;base64,([^"]+)"', text)
    assert base64.b64decode(encoded) == PNG
    assert not re.search(r'(src|href)="(?!data:)', text)


def test_markdown_has_its_pictures_beside_it(tmp_path):
    write_markdown(BLOCKS, tmp_path / "page.md")
    text = (tmp_path / "page.md").read_text()
    assert "| a\\|b | 0.5 |" in text
    assert "> **Bold**" in text
    (path,) = re.findall(r"!\[A picture\.\]\((.+?)\)", text)
    assert (tmp_path / path).read_bytes() == PNG
