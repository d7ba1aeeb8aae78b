#!/usr/bin/env python3
"""What ./dev lint checks beside the formatter: layers, sizes, READMEs, words, links, fuzz corpora."""
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
SRC = ROOT / "src"
FILE_LINES_MAX = 800
FUNCTION_LINES_MAX = 70
README_LINES_MAX = 30
problems = []


def complain(path, line, message):
    problems.append(f"{path.relative_to(ROOT)}:{line}: {message}")


def sources():
    return sorted(p for p in SRC.rglob("*") if p.suffix in (".cc", ".h"))


def check_layers():
    allowed = {}
    for number, text in enumerate((SRC / "layers.txt").read_text().splitlines(), 1):
        if text.startswith("#") or not text.strip():
            continue
        folder, _, names = text.partition(":")
        allowed[folder.strip()] = set(names.split()) | {folder.strip()}
    for path in sources():
        folder = path.relative_to(SRC).parts[0]
        if folder == "main.cc":
            continue
        if folder not in allowed:
            complain(path, 1, f"the folder {folder} is not in layers.txt")
            continue
        for number, line in enumerate(path.read_text().splitlines(), 1):
            match = re.match(r'#include "([a-z_]+)/', line)
            if match and match.group(1) not in allowed[folder]:
                complain(path, number, f"{folder} may not include {match.group(1)} (src/layers.txt)")


def check_own_header_first():
    for path in sources():
        if path.suffix != ".cc" or not path.with_suffix(".h").exists():
            continue
        first = re.search(r'#include ["<]([^">]+)', path.read_text())
        if first and first.group(1) != str(path.with_suffix(".h").relative_to(SRC)):
            complain(path, 1, "a source file includes its own header first")


def check_sizes():
    for path in sources():
        lines = path.read_text().splitlines()
        if len(lines) > FILE_LINES_MAX:
            complain(path, len(lines), f"more than {FILE_LINES_MAX} lines: this is two things")
        if path.name.endswith("_test.cc"):
            continue
        start = None
        for number, line in enumerate(lines, 1):
            # A function's body opens at the end of an unindented (or once indented) line and closes in the same column.
            opening = re.match(r"^( {0,2})(?! |namespace|class|struct|enum|union|if|for|while|switch|else|do|\}|constexpr std::array).*[)a-z>] (?:const )?(?:override )?(?:noexcept )?\{$", line)
            if start is None and opening:
                start, indent = number, opening.group(1)
            elif start is not None and line == indent + "}":
                if number - start > FUNCTION_LINES_MAX:
                    complain(path, start, f"a function of {number - start} lines; {FUNCTION_LINES_MAX} are allowed")
                start = None


def check_readmes():
    for folder in sorted(p for p in SRC.iterdir() if p.is_dir()):
        readme = folder / "README.md"
        if not readme.exists():
            complain(folder, 1, "a folder explains itself in a README.md")
        elif len(readme.read_text().splitlines()) > README_LINES_MAX:
            complain(readme, 1, f"more than {README_LINES_MAX} lines")


BANNED = [
    (r"TODO\(now\)", "finish it, or say which kind of later", lambda p: False),
    (r"std::regex", "backtracks: RE2 for patterns, a parser for protocols", lambda p: False),
    (r"reinterpret_cast", "only io/ meets the kernel's types", lambda p: p.parts[0] == "io"),
    (r"(steady_clock|system_clock)::now\(", "time comes in through the constructor", lambda p: p.name == "system_clock.h"),
    (r"sleep_for", "wait for something instead", lambda p: p.name == "resolver.cc"),
]


def check_words():
    for path in sources():
        for number, line in enumerate(path.read_text().splitlines(), 1):
            for pattern, why, excused in BANNED:
                if re.search(pattern, line) and not excused(path.relative_to(SRC)):
                    complain(path, number, f"{pattern}: {why}")


def check_links():
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "*.md"], cwd=ROOT, capture_output=True, text=True, check=True)
    for name in listed.stdout.split():
        path = ROOT / name
        for number, line in enumerate(path.read_text().splitlines(), 1):
            for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", line):
                if "://" not in target and not (path.parent / target).exists():
                    complain(path, number, f"the link {target} leads nowhere")


def check_fuzz():
    for target in sorted((ROOT / "fuzz").glob("*_fuzz.cc")):
        corpus = ROOT / "fuzz" / "corpus" / target.stem
        if not corpus.is_dir() or not any(corpus.iterdir()):
            complain(target, 1, "a fuzz target has a corpus")


for check in (check_layers, check_own_header_first, check_sizes, check_readmes, check_words, check_links, check_fuzz):
    check()
for problem in problems:
    print(problem, file=sys.stderr)
sys.exit(1 if problems else 0)
