"""The one reader of all dialects: an object of fields, logic and operators becomes a predicate in neutral names."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn

from app.errors import Malformed
from app.query.face import Face, Field, Kind
from app.query.messages import Wording
from app.query.model import And, Compare, Not, Operator, Or, Predicate, Scalar
from app.query.values import check_text, js_text, number

MOST_MEMBERS = 1000
NOTHING = Or(())

Coerce = Callable[[object, str], Scalar]


@dataclass(frozen=True, slots=True)
class Spelling:
    """An operator's meaning: NOT LIKE is LIKE, negated."""

    operator: Operator
    negated: bool = False
    ignore_case: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Dialect:
    """How one door writes questions, as data.

    `coerce` turns a value into one of a kind; `modifiers` are keys beside operators that are none; `ignores_case` reads
    them. `null_orders_nothing`: a comparison by order with null matches nothing, elsewhere it is refused.
    `numbered_lists`: an object with the keys 0 to n-1 is a list. `path_key`: conditions inside JSON are a list of objects,
    which name their place under this key. `nested_paths`: an object without operators leads into JSON. `deep_paths`: each
    dot leads a level deeper; without it only the first does, and the others are part of the key. `pattern` prepares the
    text of LIKE and REGEX. `wording` is what the dialect says to mistakes.
    """

    name: str
    operators: Mapping[str, Spelling]
    coerce: Mapping[Kind, Coerce]
    logic: Mapping[str, str] = field(default_factory=dict)
    modifiers: frozenset[str] = frozenset()
    ignores_case: Callable[[Mapping[str, Any], Spelling], bool] = lambda _, spelling: spelling.ignore_case
    pattern: Callable[[Operator, str, str], tuple[str, bool]] = lambda _, text, __: (text, False)
    null_orders_nothing: bool = False
    numbered_lists: bool = False
    dotted_paths: bool = True
    nested_paths: bool = True
    deep_paths: bool = True
    path_key: str | None = None
    wording: Wording = field(default_factory=Wording)


ORDERED = frozenset({Operator.LT, Operator.LTE, Operator.GT, Operator.GTE, Operator.BETWEEN})
LISTED = frozenset({Operator.IN, Operator.NOT_IN, Operator.BETWEEN})
TEXTUAL = frozenset({Operator.CONTAINS, Operator.STARTS_WITH, Operator.ENDS_WITH, Operator.LIKE, Operator.REGEX})


def read_predicate(tree: object, dialect: Dialect, face: Face) -> Predicate:
    """The predicate that `tree` writes in `dialect` about the fields of `face`. Raises Malformed, naming the place."""
    return _Reader(dialect, face).read_object(tree)


@dataclass(frozen=True, slots=True)
class _Reader:
    dialect: Dialect
    face: Face

    def read_object(self, tree: object) -> Predicate:
        if not isinstance(tree, Mapping):
            raise Malformed(self.dialect.wording.not_an_object(tree))
        return _all([self.read_member(key, value, tree) for key, value in tree.items()])

    def read_member(self, key: str, value: object, tree: Mapping[str, Any]) -> Predicate:
        logic = self.dialect.logic.get(key)
        if logic == "not":
            return Not(self.read_object(value))
        if logic is not None:
            return self.read_logic(key, logic, value)
        found, path = self.find_field(key)
        if self.dialect.wording.foreign_operators and isinstance(value, Mapping):
            foreign = [operator for operator in value if operator.startswith("$")]
            if foreign:
                raise self.dialect.wording.foreign_operators(key, foreign, tree)
        return self.read_field(found, path, key, value)

    def read_logic(self, key: str, logic: str, value: object) -> Predicate:
        members = self.read_list(key, value)
        if members is None:
            raise Malformed(self.dialect.wording.not_conditions(key, value), key)
        if logic == "or" and not members:
            raise Malformed(f"The {key} operator needs at least one condition", key)
        parts = [self.read_object(member) for member in members]
        return _all(parts) if logic == "and" else parts[0] if len(parts) == 1 else Or(tuple(parts))

    def read_list(self, name: str, value: object) -> Sequence[object] | None:
        if self.dialect.numbered_lists and isinstance(value, Mapping) and value:
            keys = [str(index) for index in range(len(value))]
            value = [value[key] for key in keys] if set(value) == set(keys) else value
        if not isinstance(value, list | tuple):
            return None
        if len(value) > MOST_MEMBERS:
            raise Malformed(f"A list may have at most {MOST_MEMBERS} members, not {len(value)}", name)
        return value

    def find_field(self, key: str) -> tuple[Field, tuple[str, ...]]:
        found = self.face.fields.get(key)
        if found is not None and found.filterable:
            return found, ()
        name, _, rest = key.partition(".")
        outer = self.face.fields.get(name)
        dotted = self.dialect.dotted_paths and "." in key
        if dotted and outer is not None and outer.filterable and outer.kind is Kind.JSON:
            return outer, tuple(check_text(rest, name).split(".", -1 if self.dialect.deep_paths else 0))
        raise Malformed(f"There is no field {key!r} to filter by", key)

    def read_field(self, found: Field, path: tuple[str, ...], name: str, value: object) -> Predicate:
        if self.dialect.path_key and found.kind is Kind.JSON and isinstance(value, list):
            return _all([self.read_place(found, name, member) for member in value])
        if not isinstance(value, Mapping):
            return self.read_condition(found, path, name, Spelling(Operator.EQ), value, {})
        if self.leads_inside(found, path, value):
            return _all([self.read_field(found, (key,), f"{name}.{key}", inner) for key, inner in value.items()])
        parts = []
        for key, operand in value.items():
            spelling = self.dialect.operators.get(key)
            if spelling is not None:
                parts.append(self.read_condition(found, path, name, spelling, operand, value))
            elif key not in self.dialect.modifiers:
                raise Malformed(f"There is no operator {key!r} (on {name})", name)
        if not parts:
            raise Malformed(f"The condition on {name} has no operator", name)
        return _all(parts)

    def leads_inside(self, found: Field, path: tuple[str, ...], value: Mapping[str, Any]) -> bool:
        """Whether the keys of an object are places inside JSON, not operators."""
        inside = found.kind is Kind.JSON and not path and self.dialect.nested_paths and bool(value)
        return inside and not any(key in self.dialect.operators for key in value)

    def read_place(self, found: Field, name: str, member: Mapping[str, Any]) -> Predicate:
        operators = {key: value for key, value in member.items() if key != self.dialect.path_key}
        path = tuple(check_text(key, name) for key in member[self.dialect.path_key or ""])
        if not path:
            raise Malformed(f"The path inside {name} is empty", name)
        return self.read_field(found, path, name, operators)

    def read_condition(
        self,
        found: Field,
        path: tuple[str, ...],
        name: str,
        spelling: Spelling,
        value: object,
        beside: Mapping[str, Any],
    ) -> Predicate:
        for key in path:
            check_text(key, found.name)
        compare = self.read_compare(found, path, name, spelling, value, beside)
        return Not(compare) if spelling.negated else compare

    def read_compare(
        self,
        found: Field,
        path: tuple[str, ...],
        name: str,
        spelling: Spelling,
        value: object,
        beside: Mapping[str, Any],
    ) -> Predicate:
        operator, one = spelling.operator, _Target(self.dialect, found, path, name, beside)
        members = self.read_list(name, value) if operator in LISTED else None
        one.check_shape(operator, value, members)
        if found.kind is Kind.JSON and not path and not (value is None and operator in (Operator.EQ, Operator.NE)):
            raise Malformed(f"{name} is compared by a path inside it, such as {name}.key", name)
        if operator is Operator.IS_NULL:
            return one.read_is_null(value)
        if members is not None:
            return one.read_listed(operator, members, self.face.folds)
        if operator in TEXTUAL:
            return one.read_pattern(operator, value, self.dialect.ignores_case(beside, spelling))
        return one.read_scalar(operator, value, self.face.folds)


@dataclass(frozen=True, slots=True)
class _Target:
    """The field, or the place inside a JSON field, that one condition is about."""

    dialect: Dialect
    field: Field
    path: tuple[str, ...]
    name: str
    clause: Mapping[str, Any]

    def refuse(self, what: str) -> NoReturn:
        raise Malformed(f"{self.name} {what}", self.name)

    def check_shape(self, operator: Operator, value: object, members: Sequence[object] | None) -> None:
        """Raises Malformed where the operator takes no such value, whatever it is about."""
        wording = self.dialect.wording
        if operator in LISTED and members is None:
            raise Malformed(wording.not_a_list(self.name, self.clause, value), self.name)
        if operator is Operator.BETWEEN and members is not None and len(members) != 2:
            raise Malformed(wording.not_two(self.name, self.clause, len(members)), self.name)
        if operator in TEXTUAL and not isinstance(value, str):
            raise Malformed(wording.not_a_pattern(operator, self.name, self.clause), self.name)

    def coerce(self, value: object) -> Scalar:
        if self.path:
            return _json_scalar(value, self.name)
        given = self.dialect.coerce[self.field.kind](value, self.name)
        return self.stored(given) if isinstance(given, str) else given

    def stored(self, text: str) -> str:
        """The stored spelling of a public id or word; an id without its prefix is none, and stands before or behind all."""
        codec = self.field.codec
        if codec.prefix:
            before, behind = f"!{text}", f"~{text}"
            return (
                text[len(codec.prefix) :]
                if text.startswith(codec.prefix)
                else before
                if text < codec.prefix
                else behind
            )
        if not codec.words:
            return text
        words = dict(codec.words)
        return words[text] if text in words else self.refuse(f"is one of {', '.join(words)}, not {text!r}")

    def folds(self, face_folds: bool) -> bool:
        return face_folds and (bool(self.path) or self.field.kind is Kind.TEXT)

    def compare(self, operator: Operator, value: Scalar, *, ignore_case: bool = False, folded: bool = False) -> Compare:
        return Compare(self.field.column, operator, value, self.path, ignore_case, folded)

    def read_is_null(self, value: object) -> Predicate:
        if not isinstance(value, bool):
            self.refuse("needs true or false to ask whether it is null")
        return self.compare(Operator.IS_NULL, value)

    def read_scalar(self, operator: Operator, value: object, face_folds: bool) -> Predicate:
        if value is None:
            return self.read_null(operator)
        given = self.coerce(value)
        folded = operator in ORDERED and self.folds(face_folds) and isinstance(given, str)
        return self.compare(operator, given, folded=folded)

    def read_null(self, operator: Operator) -> Predicate:
        if operator in (Operator.EQ, Operator.NE):
            return self.compare(Operator.IS_NULL, operator is Operator.EQ)
        if not self.dialect.null_orders_nothing:
            self.refuse("cannot be compared with null by order")
        return NOTHING

    def read_listed(self, operator: Operator, values: Sequence[object], face_folds: bool) -> Predicate:
        if operator is Operator.BETWEEN:
            return self.read_between(values, face_folds)
        given = [self.coerce(value) for value in values if value is not None]
        parts: list[Predicate] = [self.compare(operator, members) for members in self.by_type(given)]
        if operator is Operator.IN:
            return parts[0] if len(parts) == 1 else Or(tuple(parts))
        if len(given) < len(values):
            parts = [*(parts if given else ()), self.compare(Operator.IS_NULL, False)]
        return _all(parts)

    def by_type(self, given: Sequence[Scalar]) -> Sequence[tuple[Scalar, ...]]:
        """The members of a list; inside JSON the texts and the numbers apart, as each are compared in their own way."""
        texts = tuple(one for one in given if isinstance(one, str))
        if not self.path or len(texts) in (0, len(given)):
            return [tuple(given)]
        return [texts, tuple(one for one in given if not isinstance(one, str))]

    def read_between(self, values: Sequence[object], face_folds: bool) -> Predicate:
        if None in values:
            return self.read_null(Operator.BETWEEN)
        low, high = (self.coerce(value) for value in values)
        if self.path and isinstance(low, str) is not isinstance(high, str):
            self.refuse("needs two values of one type")
        folded = self.folds(face_folds) and isinstance(low, str)
        return self.compare(Operator.BETWEEN, (low, high), folded=folded)

    def read_pattern(self, operator: Operator, value: object, ignore_case: bool) -> Predicate:
        if (self.field.kind not in (Kind.TEXT, Kind.ID) and not self.path) or self.field.codec.words:
            self.refuse("is no text, so it has no patterns")
        text = str(self.dialect.coerce[Kind.TEXT](value, self.name))
        text, flagged = self.dialect.pattern(operator, text, self.name)
        return self.compare(operator, text, ignore_case=ignore_case or flagged)


def _json_scalar(value: object, name: str) -> Scalar:
    if isinstance(value, bool):
        return js_text(value)
    if isinstance(value, int | float):
        return number(value, name)
    if isinstance(value, str):
        return check_text(value, name)
    raise Malformed(f"The value of {name} is not a text, a number or a boolean", name)


def _all(parts: Sequence[Predicate]) -> Predicate:
    return parts[0] if len(parts) == 1 else And(tuple(parts))
