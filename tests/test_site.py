"""The site builds without a warning, holds together, needs no other server, and answers a newcomer's questions."""

import importlib.util
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag

import pytest

ROOT = Path(__file__).parents[1]
BUILT = ("_build", "generated", "gallery", "__pycache__")

# What a newcomer asks -> the page that answers, linked from the start page, and a word that it must have.
QUESTIONS = {
    "how do I search activations?": ("five_minutes.html", "GridSearchCV"),
    "why do units die, and what helps?": ("diagnosis.html", "Why units die, and what to do"),
    "how do I deploy without pickle?": ("deployment.html", "Files that contain only data"),
    "how do I add an activation?": ("how_to_add.html", "Write a class with two methods"),
}


class Page(HTMLParser):
    """What a page links to, what can be linked to in it, and what the browser loads with it."""

    def __init__(self, path):
        super().__init__()
        self.path, self.text = path, path.read_text()
        self.links, self.anchors, self.loaded = [], {""}, []
        self.feed(self.text)

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        self.anchors |= {given[name] for name in ("id", "name") if given.get(name)}
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        elif tag in ("script", "img", "link", "iframe") and given.get("rel") != "canonical":
            self.loaded += [given[name] for name in ("src", "href") if name in given]

    def files(self, targets):
        """Yield (target, file, anchor) for the targets on this site."""
        for target in targets:
            if not target.startswith(("http:", "https:", "mailto:", "data:")):
                address, anchor = urldefrag(target)
                path = self.path.parent / unquote(address.split("?")[0]) if address else self.path
                yield target, path.resolve(), unquote(anchor)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    for module in ("sphinx", "sklearn.callback"):  # the second since 1.9; pages and examples use it
        if importlib.util.find_spec(module) is None:
            pytest.skip(f"{module} is not installed")
    folder = tmp_path_factory.mktemp("clone")
    shutil.copytree(ROOT / "docs", folder / "docs", ignore=shutil.ignore_patterns(*BUILT))
    for path in ROOT.glob("[!.]*"):
        if path.is_file():
            shutil.copy(path, folder)  # a link would lead out of the clone, and relative links in the file with it
        elif path.name != "docs":
            (folder / path.name).symlink_to(path)
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-D", "plot_gallery=0"]
    run = subprocess.run([*command, folder / "docs", folder / "html"], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    return {path: Page(path) for path in (folder / "html").rglob("*.html") if "_static" not in path.parts}


# One test, since each test process would build a site of its own.
def test_the_site(site):
    broken = [
        f"{page.path.name}: {target}"
        for page in site.values()
        for target, path, anchor in page.files(page.links + page.loaded)
        if not path.exists() or (path in site and anchor not in site[path].anchors)
    ]
    assert not broken
    assert not [target for page in site.values() for target in page.loaded if "//" in target]

    start = next(page for path, page in site.items() if path.name == "index.html" and path.parent.name == "html")
    linked = {path.name: path for _, path, _ in start.files(start.links)}
    unanswered = {
        question: page
        for question, (page, word) in QUESTIONS.items()
        if page not in linked or word not in site[linked[page]].text
    }
    assert not unanswered

    index = (start.path.parent / "searchindex.js").read_text()
    assert all(word in index for word in ("maxout", "whiten", "dropout", "dead", "onnx"))
