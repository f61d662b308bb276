"""Tells whether a model may have seen in training what it is about to be scored on."""

from collections.abc import Collection, Mapping


def training_overlap(trained_on: Mapping, split: str, parts: Collection[str]) -> str | None:
    """One line of warning, or None where the parts chosen are the ones that training held out.

    Args:
        trained_on: the entry ``data`` of a ``model.json``: its ``split`` and, for the scene split, its
            ``test_fold``. Empty where the model does not say.
        split: the split chosen for the evaluation, ``"scene"`` or ``"random"``.
        parts: its folds ``"0"`` … ``"4"``, or its parts ``"train"``, ``"val"``, ``"test"``.
    """
    trained_split = trained_on.get("split")
    held_out = {"scene": trained_on.get("test_fold"), "random": "test"}.get(trained_split)
    if held_out is None:
        return "these figures may not be honest: the model does not say what it was trained on"
    if trained_split == split and set(parts) == {str(held_out)}:
        return None
    return (
        "these figures are not honest: the model was trained on some of what it is scored on; "
        f"only part {held_out} of the {trained_split} split was held out"
    )
