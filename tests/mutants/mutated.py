"""A copy of the tree with all changes in it, each behind a switch."""

import json
import re
import shutil
import subprocess
import sys

import tree_sitter_rust
from tree_sitter import Language
from tree_sitter import Parser

RUST = Language(tree_sitter_rust.language())
# What a change would do where it is made is no mistake of the copy's.
ALLOW = "#![allow(arithmetic_overflow, unconditional_panic)]\n"
SWITCH = '''
/// Whether the change of this number is made.
pub fn mutant(number: u32) -> bool {
    static MADE: std::sync::LazyLock<u32> = std::sync::LazyLock::new(|| {
        let number = std::env::var("PORTREEVE_MUTANT");
        number.ok().and_then(|number| number.parse().ok()).unwrap_or_default()
    });
    *MADE == number
}
'''


class Tree:
    """The copy. `executables` are its tests, once it is built."""

    def __init__(self, root, place, mutants):
        self.place = place
        self._root = root
        self._mutants = mutants
        # Those that were seen not to compile, so that they are not tried once more.
        self._kept = place.with_suffix(".json")
        known = set(json.loads(self._kept.read_text())) if self._kept.exists() else set()
        self._dropped = {mutant["number"]: mutant["name"] for mutant in mutants if mutant["name"] in known}
        self._constant = set()
        self.executables = {}
        copy(root, place)

    @staticmethod
    def unchanged():
        """A switch that changes nothing."""
        return {"number": 0, "file": ""}

    def build(self, target, tests):
        """Builds it without the changes that do not compile, and returns those: number to name."""
        library = self.place / "src" / "lib.rs"
        library.write_text(ALLOW + (self._root / "src" / "lib.rs").read_text() + SWITCH)
        for _ in range(60):
            self._write()
            errors = self._compile(target, ["check", "--lib"])
            if not errors:
                break
            self._drop(errors)
            self._kept.write_text(json.dumps(sorted(self._dropped.values())))
        else:
            sys.exit("the changes do not compile")
        chosen = ["--lib", *(part for name in tests for part in ("--test", name))]
        messages = self._cargo(target, ["test", "--no-run", *chosen])
        for message in messages:
            if message.get("executable") and message["profile"]["test"]:
                kinds = message["target"]["kind"]
                name = "lib" if "lib" in kinds else message["target"]["name"]
                self.executables[name] = message["executable"]
        missing = {"lib", *tests} - set(self.executables)
        if missing:
            sys.exit(f"the tests do not compile with the changes in: {sorted(missing)}")
        return self._dropped

    def _write(self):
        for file in sorted({mutant["file"] for mutant in self._mutants}):
            here = [mutant for mutant in self._mutants if mutant["file"] == file and mutant["number"] not in self._dropped]
            text = (self._root / file).read_bytes()
            written = Source(text, here, self._constant).written()
            (self.place / file).write_bytes(written)
            for mutant in here:
                # Such as an operator between a `let` and a condition, which nothing can stand beside.
                if b"/*m%d<*/" % mutant["number"] not in written:
                    self._dropped[mutant["number"]] = mutant["name"]

    def _compile(self, target, words):
        messages = self._cargo(target, words)
        found = [message["message"] for message in messages if message["reason"] == "compiler-message"]
        return [message for message in found if message["level"] == "error" and message["spans"]]

    def _cargo(self, target, words):
        command = ["cargo", words[0], "--locked", "--message-format=json", "--target-dir", str(target / "mutants" / "target"), *words[1:]]
        done = subprocess.run(command, cwd=self.place, capture_output=True, text=True, check=False)
        return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]

    def _drop(self, errors):
        """Leaves out the changes in which the compiler finds errors."""
        before = (len(self._dropped), len(self._constant))
        for error in errors:
            if (error.get("code") or {}).get("code") == "E0015":
                called = re.search(r"`(?:.*::)?(\w+)(?:::<.*>)?`", error["message"])
                if called and called.group(1) != "mutant":
                    self._constant.add(called.group(1))
                    continue
            for span in error["spans"]:
                if span["is_primary"] or len(error["spans"]) == 1:
                    self._drop_at(span)
        if (len(self._dropped), len(self._constant)) == before:
            for error in errors:
                for span in error["spans"]:
                    self._drop_around(span)
        if (len(self._dropped), len(self._constant)) == before:
            sys.exit("the changes do not compile:\n" + "\n".join(error["rendered"] for error in errors[:5]))

    def _drop_at(self, span):
        text = (self.place / span["file_name"]).read_bytes()
        inside = None
        for begin in re.finditer(rb"/\*m(\d+)<\*/", text):
            end = text.find(b"/*m%s>*/" % begin.group(1), begin.end())
            touches = begin.start() <= span["byte_end"] and span["byte_start"] <= end
            if touches and (inside is None or begin.start() > inside[0]):
                inside = (begin.start(), int(begin.group(1)))
        if inside:
            mutant = next(one for one in self._mutants if one["number"] == inside[1])
            self._dropped[inside[1]] = mutant["name"]


    def _drop_around(self, span):
        """Where none is at fault by itself: all on that line, and what is put before all of that function."""
        line = (self.place / span["file_name"]).read_bytes().split(b"\n")[span["line_start"] - 1]
        there = {int(number) for number in re.findall(rb"/\*m(\d+)<\*/", line)}
        for mutant in self._mutants:
            if mutant["file"] != span["file_name"]:
                continue
            inside = mutant["function"] and mutant["function"]["span"]
            is_around = inside and inside["start"]["line"] <= span["line_start"] <= inside["end"]["line"]
            if mutant["number"] in there or (is_around and mutant["genre"] == "FnValue"):
                self._dropped[mutant["number"]] = mutant["name"]


class Source:
    """One file, into which changes are written."""

    def __init__(self, text, mutants, constant):
        self._text = text
        self._lines = [0]
        for line in text.split(b"\n"):
            self._lines.append(self._lines[-1] + len(line) + 1)
        self._tree = Parser(RUST).parse(text)
        # Of an expression, by its place: the changes of its operator.
        self._operators = {}
        # Of a guard, by its place: what is asked before it.
        self._wrapped = {}
        # Before a place, and after one, of what is put in.
        self._before = {}
        self._after = {}
        self._changed = [self._at(mutant["span"]["start"]) for mutant in mutants]
        for mutant in mutants:
            self._place(mutant)
        self._stop_being_constant(constant)

    def written(self):
        """The file with its changes."""
        return self._render(self._tree.root_node)

    def _at(self, place):
        line = self._text[self._lines[place["line"] - 1]:self._lines[place["line"]]].decode()
        return self._lines[place["line"] - 1] + len(line[: place["column"] - 1].encode())

    def _place(self, mutant):
        begin, end = self._at(mutant["span"]["start"]), self._at(mutant["span"]["end"])
        number, new = mutant["number"], mutant["replacement"]
        here = f"crate::mutant({number})"
        node = self._tree.root_node.descendant_for_byte_range(begin, end - 1)
        genre = mutant["genre"]
        if genre == "FnValue":
            self._put(self._before, begin, f"/*m{number}<*/if {here} {{ return {new}; }}/*m{number}>*/ ")
        elif genre in ("BinaryOperator", "UnaryOperator"):
            while node.type not in ("binary_expression", "compound_assignment_expr", "unary_expression"):
                node = node.parent
                if node is None:
                    return
            # In one line, so that the lines stay where they are.
            changed = self._text[node.start_byte:begin].decode() + f" {new} " + self._text[end:node.end_byte].decode()
            changed = changed if "//" in changed else changed.replace("\n", " ")
            changes = self._operators.setdefault((node.start_byte, node.end_byte), [])
            changes.append(f"/*m{number}<*/if {here} {{ {changed} }} else /*m{number}>*/")
        elif genre == "MatchArm":
            while node is not None and node.type != "match_arm":
                node = node.parent
            pattern = node.child_by_field_name("pattern") if node else None
            if pattern is None:
                return
            guard = pattern.child_by_field_name("condition")
            if guard is None:
                self._put(self._after, pattern.end_byte, f" /*m{number}<*/if !{here}/*m{number}>*/")
            else:
                word = f"/*m{number}<*/!{here} &&/*m{number}>*/ "
                self._wrapped.setdefault((guard.start_byte, guard.end_byte), []).append(word)
        elif genre == "MatchArmGuard":
            word = f"{here} ||" if new == "true" else f"!{here} &&"
            self._wrapped.setdefault((begin, end), []).append(f"/*m{number}<*/{word}/*m{number}>*/ ")

        elif genre == "StructField":
            while node is not None and node.type != "field_initializer":
                node = node.parent
            bases = [child for child in node.parent.children if child.type == "base_field_initializer"] if node else []
            if not bases:
                return
            value, field = node.child_by_field_name("value"), node.child_by_field_name("field").text.decode()
            base = bases[0].text.decode().removeprefix("..")
            self._put(self._before, value.start_byte, f"/*m{number}<*/if {here} {{ ({base}).{field} }} else {{/*m{number}>*/ ")
            self._put(self._after, value.end_byte, " }")

    @staticmethod
    def _put(where, at, text):
        where.setdefault(at, []).append(text)

    def _stop_being_constant(self, constant):
        """A switch cannot be asked where the compiler computes."""
        self._gone = set()
        pending = [self._tree.root_node]
        while pending:
            node = pending.pop()
            pending.extend(node.children)
            if node.type != "function_item":
                continue
            if not any(node.start_byte <= at < node.end_byte for at in self._changed):
                continue
            name = node.child_by_field_name("name").text.decode()
            for child in node.children:
                if child.type == "function_modifiers" and b"const" in child.text and name not in constant:
                    self._gone.add((child.start_byte, child.end_byte))

    def _render(self, node):
        key = (node.start_byte, node.end_byte)
        if key in self._gone and node.type == "function_modifiers":
            return node.text.replace(b"const", b"")
        changes = self._operators.get(key) if node.type in ("binary_expression", "compound_assignment_expr", "unary_expression") else None
        text = self._children(node)
        if changes:
            text = b"(" + "".join(changes).encode() + b"{ " + text + b" })"
        is_outermost = node.parent is None or (node.parent.start_byte, node.parent.end_byte) != key
        for word in self._wrapped.get(key, []) if is_outermost else []:
            text = b"(" + word.encode() + b"(" + text + b"))"
        return text

    def _children(self, node):
        """Leaves are where something may be put before or after."""
        if not node.children:
            return self._between(node.start_byte, node.end_byte)
        out, at = [], node.start_byte
        for child in node.children:
            out.append(self._between(at, child.start_byte))
            out.append(self._render(child))
            at = child.end_byte
        out.append(self._between(at, node.end_byte))
        return b"".join(out)

    def _between(self, begin, end):
        """What is there, with what is put in. Each place is used once: what is put there is taken out."""
        if begin == end:
            return b""
        out, at = [], begin
        places = sorted({place for place in self._before if begin <= place < end} | {place for place in self._after if begin < place <= end})
        for place in places:
            out.append(self._text[at:place])
            at = place
            if begin < place <= end:
                out.extend(text.encode() for text in self._after.pop(place, []))
            if begin <= place < end:
                out.extend(text.encode() for text in reversed(self._before.pop(place, [])))
        out.append(self._text[at:end])
        return b"".join(out)


def copy(root, place):
    """The tree as git knows it, with what is not committed yet. What is the same stays, so that little is compiled."""
    said = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=root, check=True, capture_output=True)
    names = [name.decode() for name in said.stdout.split(b"\0") if name]
    for name in names:
        source, goal = root / name, place / name
        if source.is_file():
            goal.parent.mkdir(parents=True, exist_ok=True)
            if not goal.is_file() or goal.read_bytes() != source.read_bytes():
                shutil.copy(source, goal)
    known = {place / name for name in names}
    for goal in place.rglob("*"):
        if goal.is_file() and (goal not in known or not (root / goal.relative_to(place)).is_file()):
            goal.unlink()
