"""All files below a folder, each once, and what was passed over."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Collection, Iterator
from pathlib import Path

# Folders in which systems keep what users threw away or never see.
_SYSTEM_FOLDERS = frozenset(
    ("$RECYCLE.BIN", "System Volume Information", "__MACOSX", "lost+found", "#recycle")
)
_N_NAMED = 3


def is_hidden(name: str) -> bool:
    """Whether a file or folder of this name is hidden, or a system's own."""
    return name.startswith(".") or name in _SYSTEM_FOLDERS


class FolderWalk:
    """A walk over the files below a folder, sorted folder by folder.

    Hidden files and folders are passed over. Links are followed, each target once, so
    that loops end; a link to what the walk finds in its own place is passed over, too.
    Only one folder's names at a time are held in memory.

    Parameters
    ----------
    root : path-like
        The folder; also hidden, if it is named itself.
    endings : collection of str
        Lower-case ends of the names of the files that are wanted, as ``.wav``.
    skip_unreadable : bool, default=False
        Pass over folders that may not be read.

    Attributes
    ----------
    counts : dict of str to int
        What was passed over so far, by kind. A link that leads nowhere and has the name
        of a wanted file is not: it is found, and an error when it is read.
    """

    def __init__(
        self,
        root: str | os.PathLike[str],
        endings: Collection[str],
        *,
        skip_unreadable: bool = False,
    ) -> None:
        self._root = Path(root)
        self._endings = tuple(endings)
        self._skip_unreadable = skip_unreadable
        self._forget()

    def _forget(self) -> None:
        self._examples: dict[str, list[str]] = {}
        self._other_endings: Counter[str] = Counter()
        self.counts: dict[str, int] = {}
        self._folders: set[tuple[int, int]] = set()
        self._linked_files: set[str] = set()

    def __iter__(self) -> Iterator[os.DirEntry[str]]:
        """Walk, from the beginning.

        Raises
        ------
        OSError
            If a folder may not be read.
        """
        self._forget()
        self._real_root = os.path.realpath(self._root)
        yield from self._files_in(os.fspath(self._root))

    def passed_over(self) -> str:
        """What was passed over, as one sentence without a verb; empty if nothing."""
        parts = []
        for kind, count in self.counts.items():
            names = self._examples[kind]
            if kind == _OTHER:
                ordered = self._other_endings.most_common(_N_NAMED)
                names = [f"{n} {ending or 'without ending'}" for ending, n in ordered]
                n_kinds = len(self._other_endings)
            else:
                n_kinds = count
            more = ", …" if n_kinds > len(names) else ""
            called = _ONE[kind] if count == 1 else kind
            parts.append(f"{count} {called} ({', '.join(names)}{more})")
        return "; ".join(parts)

    def _files_in(self, folder: str) -> Iterator[os.DirEntry[str]]:
        try:
            stat = os.stat(folder)
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except OSError:
            if not self._skip_unreadable:
                raise
            self._pass_over(_UNREADABLE, folder)
            return
        if (stat.st_dev, stat.st_ino) in self._folders:
            self._pass_over(_AGAIN, folder)
            return
        self._folders.add((stat.st_dev, stat.st_ino))
        for entry in entries:
            is_folder = _is_folder(entry)
            if is_hidden(entry.name):
                kind = _HIDDEN_FOLDERS if is_folder else _HIDDEN_FILES
                self._pass_over(kind, entry.path)
            elif is_folder:
                if entry.is_symlink() and self._is_elsewhere_in_walk(entry, True):
                    self._pass_over(_AGAIN, entry.path)
                else:
                    yield from self._files_in(entry.path)
            elif not entry.name.lower().endswith(self._endings):
                if entry.is_symlink() and not os.path.exists(entry.path):
                    self._pass_over(_NOWHERE, entry.path)
                    continue
                self._other_endings[os.path.splitext(entry.name)[1].lower()] += 1
                self._pass_over(_OTHER, entry.path)
            elif entry.is_symlink() and self._is_elsewhere_in_walk(entry, False):
                self._pass_over(_AGAIN, entry.path)
            else:
                yield entry

    def _is_elsewhere_in_walk(self, link: os.DirEntry[str], is_folder: bool) -> bool:
        """Whether the target of a link is found in its own place, or was by a link."""
        target = os.path.realpath(link.path)
        if not is_folder:
            if target in self._linked_files:
                return True
            self._linked_files.add(target)
            if not (target.lower().endswith(self._endings) and os.path.exists(target)):
                return False
        elif _is_within(self._real_root, target):
            return True  # a link upwards: its target holds all of this
        if not _is_within(target, self._real_root):
            return False
        parts = os.path.relpath(target, self._real_root).split(os.sep)
        return not any(map(is_hidden, parts))

    def _pass_over(self, kind: str, path: str) -> None:
        self.counts[kind] = self.counts.get(kind, 0) + 1
        examples = self._examples.setdefault(kind, [])
        if len(examples) < _N_NAMED:
            examples.append(Path(os.path.relpath(path, self._root)).as_posix())


# Kinds of what is passed over, and what one of them is called.
_HIDDEN_FOLDERS, _HIDDEN_FILES = "hidden folders", "hidden files"
_AGAIN, _NOWHERE = "links to what is read already", "links that lead nowhere"
_UNREADABLE, _OTHER = "folders that may not be read", "other files"
_ONE = {
    _HIDDEN_FOLDERS: "hidden folder",
    _HIDDEN_FILES: "hidden file",
    _AGAIN: "link to what is read already",
    _NOWHERE: "link that leads nowhere",
    _UNREADABLE: "folder that may not be read",
    _OTHER: "other file",
}


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link in a circle
        return False


def _is_within(path: str, folder: str) -> bool:
    """Whether a real path is a folder's, or lies below it."""
    return os.path.join(path, "").startswith(os.path.join(folder, ""))
