#!/usr/bin/env python3
"""Draws docs/prompt.svg: what a person sees who uses the demo in zsh, bash and
fish. Nothing in it is drawn by hand: the sessions run in a real terminal (tmux)
against the demo's fake AWS, and what stands there then is the picture.

Usage: contrib/picture.py [FILE]
"""

import html
import os
import re
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
COLUMNS, LINES = 100, 40
CELL, LEADING, SIZE = 8.43, 20, 14  # pixels; the font of a terminal is 0.6 as wide as high

# What is typed in each shell, after the prompt is made a plain one.
SESSIONS = [
    ("zsh", "PROMPT='%~ %% '", [("vault use dev", True), ("vault use prod", False), ("vault use -", False)]),
    ("bash", r"PS1='\w $ '", [("vault use staging --read-only", True), ("vault use dev --for 30m", False)]),
    ("fish", "function fish_prompt; echo '~ > '; end", [("vault use sandbox", False), ("vault off", False)]),
]
COLOURS = {
    30: "#24292f", 31: "#ff7b72", 32: "#56d364", 33: "#e3b341", 34: "#79c0ff", 35: "#d2a8ff", 36: "#56d4dd", 37: "#e6edf3",
    90: "#8b949e", 91: "#ff7b72", 92: "#56d364", 93: "#e3b341", 94: "#79c0ff", 95: "#d2a8ff", 96: "#56d4dd", 97: "#ffffff",
}  # fmt: skip
TEXT, GROUND, BAR, DIM = "#e6edf3", "#0d1117", "#161b22", "#8b949e"


class Terminal:
    """A terminal that runs the demo in a shell."""

    def __init__(self, shell):
        self.name = f"vault-picture-{os.getpid()}-{shell}"
        command = f"cd '{HERE}/..' && DEMO_SHELL={shell} exec sh contrib/demo.sh"
        self.tmux("new-session", "-d", "-x", str(COLUMNS), "-y", str(LINES), "-s", self.name, command)

    def tmux(self, *words):
        return subprocess.run(["tmux", "-L", "vault-picture", *words], check=True, capture_output=True, text=True).stdout

    def shown(self, *flags):
        return self.tmux("capture-pane", "-p", "-t", self.name, *flags).rstrip("\n")

    def wait(self, pattern):
        for _ in range(1200):
            if found := re.search(pattern, self.shown()):
                return found
            time.sleep(0.1)
        sys.exit(f"picture: {pattern!r} did not appear:\n{self.shown()}")

    def type(self, line):
        self.tmux("send-keys", "-t", self.name, "-l", line)
        self.tmux("send-keys", "-t", self.name, "Enter")

    def end(self):
        self.tmux("kill-session", "-t", self.name)


def record(shell, prompt, lines):
    """Returns what a terminal shows after these lines, colours included."""
    terminal = Terminal(shell)
    try:
        terminal.wait(r"everything as it was; exit leaves")
        terminal.wait(r"\n.*[#$%>] ?$")
        terminal.type(prompt)
        terminal.type("clear; mfa")
        code = terminal.wait(r"(?m)^(\d{6})$")[1]
        terminal.type("clear")
        terminal.wait(r"^~ [#$%>]$")
        for number, (line, asks) in enumerate(lines, 1):
            terminal.type(line)
            if asks:
                terminal.wait(r"MFA code .*: ?$")
                terminal.type(code)
            terminal.wait(rf"(?s)^([^\n]*~ [#$%>] .*){{{number}}}\n[^\n]*~ [#$%>]$")
        return terminal.shown("-e").split("\n")
    finally:
        terminal.end()


def runs(line):
    """Yields (column, text, colour, ground) for a line with SGR sequences."""
    column, colour, ground = 0, TEXT, None
    for part in re.split(r"(\x1b\[[\d;]*m)", line):
        if not part.startswith("\x1b["):
            if part:
                yield column, part, colour, ground
            column += len(part)
            continue
        for code in [int(c or 0) for c in part[2:-1].split(";")]:
            if code == 0:
                colour, ground = TEXT, None
            elif code == 39:
                colour = TEXT
            elif code == 49:
                ground = None
            elif code in COLOURS:
                colour = COLOURS[code]
            elif code - 10 in COLOURS:
                ground = COLOURS[code - 10]


def draw(panels):
    """Returns the picture of panels: pairs of a title and lines."""
    width, top, out = COLUMNS * CELL + 32, 0, []
    for title, lines in panels:
        height = 30 + len(lines) * LEADING + 18
        out.append(f'<rect x="0" y="{top}" width="{width:.0f}" height="{height}" rx="8" fill="{GROUND}"/>')
        out.append(f'<path d="M0 {top + 28}V{top + 8}a8 8 0 0 1 8-8H{width - 8:.0f}a8 8 0 0 1 8 8V{top + 28}Z" fill="{BAR}"/>')
        out.append(f'<text x="16" y="{top + 19}" fill="{DIM}" font-size="12">{title}</text>')
        for i, line in enumerate(lines):
            y = top + 52 + i * LEADING
            for column, text, colour, ground in runs(line):
                x = 16 + column * CELL
                if ground:
                    out.append(f'<rect x="{x:.1f}" y="{y - 15}" width="{len(text) * CELL:.1f}" height="{LEADING}" fill="{ground}"/>')
                if text.strip():
                    out.append(f'<text x="{x:.1f}" y="{y}" fill="{colour}" textLength="{len(text) * CELL:.1f}">{html.escape(text)}</text>')
        top += height + 12
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {top - 12}" width="{width:.0f}" height="{top - 12}" '
        f'font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, monospace" font-size="{SIZE}" xml:space="preserve">'
    )
    return "\n".join([head, "<title>vault in zsh, bash and fish</title>", *out, "</svg>", ""])


def main():
    file = sys.argv[1] if len(sys.argv) > 1 else os.path.join(HERE, "..", "docs", "prompt.svg")
    picture = draw([(shell, record(shell, prompt, lines)) for shell, prompt, lines in SESSIONS])
    with open(file, "w", encoding="utf-8") as out:
        out.write(picture)


main()
