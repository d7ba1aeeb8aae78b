"""One small document for each kind of problem, with the exact lines that are expected: tests/problems/.

A document is a fragment of the resource, merged over base.json. Its first lines are comments: `// expect: ` and what
`check` says of it, from the line number on; `// with: ` and more arguments; `// local: ` and the local file.
PASSERELLE_WRITE_PAGES=1 writes the expected lines anew: read them before they are committed.
"""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
from harness import BINARY, PATIENCE, ROOT

FOLDER = ROOT / "tests" / "problems"
LOCAL = '{ "sslCertificates": { "*": "self-signed" }, "backendPools": { "*": [ "127.0.0.1:9001" ] } }'


class Problems(unittest.TestCase):
    maxDiff = None

    def said(self, path, text):
        folder = pathlib.Path(tempfile.mkdtemp(prefix="passerelle-"))
        self.addCleanup(shutil.rmtree, folder)
        local = re.search(r"^// local: (.*)$", text, re.M)
        (folder / "local.json").write_text(local.group(1) if local else LOCAL)
        more = re.search(r"^// with: (.*)$", text, re.M)
        files = [path.name] if '"resources"' in text or "base: none" in text else ["base.json", path.name]
        done = subprocess.run([BINARY, "check", *files, "--local", str(folder / "local.json"), *(more.group(1).split() if more else [])],
                              capture_output=True, text=True, timeout=PATIENCE, cwd=FOLDER)
        lines = done.stdout.replace(f"{path.name}:", "").replace(str(folder) + "/", "").splitlines()
        self.assertEqual(done.returncode, int(any(" error: " in line for line in lines)), done.stdout)
        return lines

    def test_each_document_says_what_it_says_it_says(self):
        documents = sorted(p for p in FOLDER.glob("*.json") if p.name != "base.json")
        self.assertGreater(len(documents), 60)
        for path in documents:
            with self.subTest(path.name):
                text = path.read_text(encoding="utf-8", errors="surrogateescape")
                lines = self.said(path, text)
                if os.environ.get("PASSERELLE_WRITE_PAGES"):
                    body = re.sub(r"^// expect: .*\n", "", text, flags=re.M)
                    head = "".join(re.findall(r"^// (?:with|local|base): .*\n", body, re.M))
                    rest = re.sub(r"^// (?:with|local|base): .*\n", "", body, flags=re.M)
                    for _ in range(2):  # the expected lines move what stands below them
                        path.write_text("".join(f"// expect: {line}\n" for line in lines) + head + rest, encoding="utf-8", errors="surrogateescape")
                        lines = self.said(path, path.read_text(encoding="utf-8", errors="surrogateescape"))
                    continue
                self.assertEqual(lines, re.findall(r"^// expect: (.*)$", text, re.M))
                self.assertTrue(lines, "it says nothing")


if __name__ == "__main__":
    unittest.main()
