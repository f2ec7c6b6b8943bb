"""The reader of all dialects: an object of fields, logic and operators becomes a predicate over columns."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from app.errors import Malformed
from app.query.dialects import Dialect
from app.query.face import Face, Kind
from app.query.lists import MOST_MEMBERS, check_lookup, read_list, split_by_type
from app.query.model import EVERYTHING, And, Compare, Not, Or, Predicate, Scalar
from app.query.operators import EQ, IS_NULL, Behaviour, Operator, Shape
from app.query.subjects import Subject, find_member
from app.query.values import check_text, json_scalar

MOST_CONDITIONS, MOST_OBJECTS = 200, 1000
"""Of one filter: its conditions, and its objects, empty ones too."""
NOTHING = Or(())


def read_predicate(tree: object, dialect: Dialect, face: Face) -> Predicate:
    """The predicate that `tree` writes in `dialect` about the fields of `face`. Raises Malformed with the field's name.

    A predicate may have at most 200 conditions.
    """
    return _Reader(dialect, face, _Count()).read_object(tree)


@dataclass(slots=True)
class _Count:
    """The numbers of conditions, of members of lists, and of objects that have been read."""

    conditions: int = 0
    members: int = 0
    objects: int = 0

    def add(self, name: str) -> None:
        self.conditions += 1
        if self.conditions > MOST_CONDITIONS:
            raise Malformed(f"A filter may have at most {MOST_CONDITIONS} conditions.", name)

    def add_members(self, number: int, name: str) -> None:
        self.members += number
        if self.members > MOST_MEMBERS:
            raise Malformed(f"The lists of a filter may have at most {MOST_MEMBERS} members together.", name)

    def add_object(self) -> None:
        self.objects += 1
        if self.objects > MOST_OBJECTS:
            raise Malformed(f"A filter may have at most {MOST_OBJECTS} objects.")


@dataclass(frozen=True, slots=True)
class _Reader:
    dialect: Dialect
    face: Face
    count: _Count

    def read_object(self, tree: object) -> Predicate:
        if not isinstance(tree, Mapping):
            raise Malformed(self.dialect.messages.not_an_object(tree))
        self.count.add_object()
        return self.join([self.read_member(key, value, tree) for key, value in tree.items()])

    def read_member(self, key: str, value: object, tree: Mapping[str, Any]) -> Predicate:
        if value is None and self.dialect.skips_empty:
            return EVERYTHING
        logic = self.dialect.logic.get(key)
        if logic == "not":
            return self.negate(self.read_object(value))
        if logic is not None:
            return self.read_logic(key, logic, value)
        subject = self.find_subject(key)
        if self.dialect.messages.foreign_operators and isinstance(value, Mapping):
            foreign = [name for name in value if name.startswith("$")]
            if foreign:
                raise self.dialect.messages.foreign_operators(key, foreign, tree)
        return self.read_subject(subject, value)

    def join(self, parts: Sequence[Predicate]) -> Predicate:
        """All of the parts. Where an empty object is no condition, it is left out."""
        if self.dialect.skips_empty:
            parts = [part for part in parts if part != EVERYTHING]
        return _all(parts) if parts else EVERYTHING

    def negate(self, part: Predicate) -> Predicate:
        return part if part == EVERYTHING and self.dialect.skips_empty else Not(part)

    def read_logic(self, key: str, logic: str, value: object) -> Predicate:
        members = read_list(key, value, self.dialect)
        if members is None:
            raise Malformed(self.dialect.messages.not_conditions(key, value), key)
        if logic == "or" and not members:
            raise Malformed(f"The `{key}` operator needs at least one condition.", key)
        parts = [self.read_object(member) for member in members]
        return self.join(parts) if logic == "and" else parts[0] if len(parts) == 1 else Or(tuple(parts))

    def find_subject(self, key: str) -> Subject:
        field = self.face.fields.get(key)
        if field is not None and field.filterable:
            return Subject(field, key)
        name, _, rest = key.partition(".")
        outer = self.face.fields.get(name)
        dotted = self.dialect.dotted_paths and "." in key
        if dotted and outer is not None and outer.filterable and outer.kind is Kind.JSON:
            path = tuple(check_text(rest, name).split(".", -1 if self.dialect.deep_paths else 0))
            return Subject(outer, key, path)
        raise Malformed(f"There is no field {key!r} to filter by.", key)

    def read_subject(self, subject: Subject, value: object) -> Predicate:
        if self.dialect.path_key and subject.field.kind is Kind.JSON and isinstance(value, list):
            return self.join([self.read_inside(subject, member) for member in value])
        if not isinstance(value, Mapping):
            return self.read_condition(subject, EQ, value, {})
        if self.leads_inside(subject, value):
            inner = [(Subject(subject.field, f"{subject.name}.{key}", (key,)), part) for key, part in value.items()]
            return self.join([self.read_subject(place, part) for place, part in inner])
        return self.read_clause(subject, value)

    def read_clause(self, subject: Subject, clause: Mapping[str, Any]) -> Predicate:
        """An object of operators, all of which hold."""
        parts = []
        for key, value in clause.items():
            operator = self.dialect.operators.get(key)
            if operator is not None:
                parts.append(self.read_condition(subject, operator, value, clause))
            elif key not in self.dialect.modifiers:
                raise self.unknown_operator(subject, key)
        if not parts and not self.dialect.skips_empty:
            raise Malformed(f"The condition on `{subject.name}` has no operator.", subject.name)
        return self.join(parts)

    def unknown_operator(self, subject: Subject, key: str) -> Malformed:
        known = ", ".join(name for name in self.dialect.operators if not name.startswith("$"))
        return Malformed(f"There is no operator {key!r} for `{subject.name}`. Operators are {known}.", subject.name)

    def leads_inside(self, subject: Subject, value: Mapping[str, Any]) -> bool:
        """True if the keys of an object are keys inside a JSON field, and not operators."""
        inside = is_document(subject) and self.dialect.nested_paths and bool(value)
        return inside and not any(key in self.dialect.operators for key in value)

    def read_inside(self, subject: Subject, member: Mapping[str, Any]) -> Predicate:
        """An object that names its path under the dialect's `path_key`."""
        clause = {key: value for key, value in member.items() if key != self.dialect.path_key}
        path = tuple(check_text(key, subject.name) for key in member[self.dialect.path_key or ""])
        if not path:
            raise Malformed(f"The path inside `{subject.name}` must have at least one key.", subject.name)
        return self.read_subject(find_member(subject, path), clause)

    def read_condition(
        self, subject: Subject, operator: Operator, value: object, clause: Mapping[str, Any]
    ) -> Predicate:
        self.count.add(subject.name)
        for key in subject.path:
            check_text(key, subject.field.name)
        if operator.takes is Shape.LIST and isinstance(value, list | tuple | Mapping):
            self.count.add_members(len(value), subject.name)
        predicate = _Condition(self.dialect, self.face, subject, operator, clause).read(value)
        return Not(predicate) if operator.negated else predicate


@dataclass(frozen=True, slots=True)
class _Condition:
    """One operator on one subject. `clause` is the object that the operator stands in."""

    dialect: Dialect
    face: Face
    subject: Subject
    operator: Operator
    clause: Mapping[str, Any]

    def read(self, value: object) -> Predicate:
        takes, name = self.operator.takes, self.subject.name
        members = read_list(name, value, self.dialect) if takes in (Shape.LIST, Shape.PAIR) else None
        self.check_shape(value, members)
        if is_document(self.subject) and not (value is None and self.operator.behaviour is Behaviour.EQUALITY):
            check_lookup(self.subject.field, name, self.operator, self.dialect)
        if members is not None:
            return self.read_between(members) if takes is Shape.PAIR else self.read_members(members)
        if takes is Shape.BOOLEAN:
            return self.read_is_null(value)
        return self.read_pattern(value) if takes is Shape.TEXT else self.read_one(value)

    def reject(self, problem: str) -> NoReturn:
        raise Malformed(f"`{self.subject.name}` {problem}", self.subject.name)

    def check_shape(self, value: object, members: Sequence[object] | None) -> None:
        """Raises Malformed where the operator takes a value of another shape, on any field."""
        takes, messages, name = self.operator.takes, self.dialect.messages, self.subject.name
        if takes in (Shape.LIST, Shape.PAIR) and members is None:
            raise Malformed(messages.not_a_list(name, self.clause, value), name)
        if takes is Shape.PAIR and members is not None and len(members) != 2:
            raise Malformed(messages.not_two(name, self.clause, len(members)), name)
        if takes is Shape.TEXT and not isinstance(value, str):
            raise Malformed(messages.not_a_pattern(self.operator, name, self.clause), name)

    def coerce(self, value: object) -> Scalar:
        if self.subject.words and isinstance(value, str):
            return self.find_word(value, self.subject.words)
        if self.subject.path:
            return json_scalar(value, self.subject.name)
        kind = Kind.TEXT if self.subject.field.is_list else self.subject.field.kind
        typed = self.dialect.coerce[kind](value, self.subject.name)
        return self.to_stored(typed) if isinstance(typed, str) else typed

    def to_stored(self, text: str) -> str:
        """The stored spelling of a public id or word."""
        codec = self.subject.field.codec
        if self.subject.field.kind is Kind.ID:
            return self.dialect.stored_id(text, self.subject.field, self.face)
        if not codec.words:
            return text
        return self.find_word(text, codec.words)

    def find_word(self, text: str, pairs: tuple[tuple[str, str], ...]) -> str:
        words = dict(pairs)
        return words[text] if text in words else self.reject(f"must be one of {', '.join(words)}; got {text!r}.")

    def compare(self, value: Scalar, *, ignore_case: bool = False) -> Compare:
        operator, subject = self.operator, self.subject
        first = value[0] if isinstance(value, tuple) and value else value
        folded = operator.folds and self.face.folds and isinstance(first, str) and self.is_text
        return Compare(subject.field.column, operator.variant_of or operator, value, subject.path, ignore_case, folded)

    @property
    def is_text(self) -> bool:
        return bool(self.subject.path) or self.subject.field.kind is Kind.TEXT

    def compare_null(self, is_null: bool) -> Compare:
        return Compare(self.subject.field.column, IS_NULL, is_null, self.subject.path)

    def read_is_null(self, value: object) -> Predicate:
        if not isinstance(value, bool):
            self.reject("needs true or false for this operator.")
        return self.compare(value)

    def read_one(self, value: object) -> Predicate:
        return self.read_null() if value is None else self.compare(self.coerce(value))

    def read_null(self) -> Predicate:
        if self.operator.behaviour is Behaviour.EQUALITY:
            return self.compare_null(not self.operator.differs)
        if not self.dialect.null_orders_nothing:
            self.reject("cannot be ordered against null. Only equality operators take null.")
        return NOTHING

    def read_members(self, members: Sequence[object]) -> Predicate:
        values = [self.coerce(value) for value in members if value is not None]
        lists = split_by_type(values) if self.subject.path else [tuple(values)]
        parts: list[Predicate] = [self.compare(listed) for listed in lists]
        if not self.operator.differs:
            return parts[0] if len(parts) == 1 else Or(tuple(parts))
        if len(values) < len(members):
            parts = [*(parts if values else ()), self.compare_null(False)]
        return _all(parts)

    def read_between(self, members: Sequence[object]) -> Predicate:
        if None in members:
            return self.read_null()
        low, high = (self.coerce(value) for value in members)
        if self.subject.path and isinstance(low, str) is not isinstance(high, str):
            self.reject("needs two texts or two numbers for `between`.")
        return self.compare((low, high))

    def read_pattern(self, value: object) -> Predicate:
        field = self.subject.field
        if (field.kind not in (Kind.TEXT, Kind.ID) and not self.subject.path) or field.codec.words:
            self.reject("is not a text field, so pattern operators do not apply to it.")
        text = str(self.dialect.coerce[Kind.TEXT](value, self.subject.name))
        text, flagged = self.dialect.pattern(self.operator, text, self.subject.name)
        return self.compare(text, ignore_case=flagged or self.dialect.ignores_case(self.clause, self.operator))


def is_document(subject: Subject) -> bool:
    """True for a condition on a whole JSON field."""
    return subject.field.kind is Kind.JSON and not subject.path


def _all(parts: Sequence[Predicate]) -> Predicate:
    return parts[0] if len(parts) == 1 else And(tuple(parts))
