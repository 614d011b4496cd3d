from stance.errors import MissingExtraError, StanceError


def test_a_missing_extra_says_what_to_install() -> None:
    error = MissingExtraError("stance train", "train", "torch")
    assert isinstance(error, StanceError)
    assert str(error) == (
        "stance train needs the package 'torch', which is not installed: "
        "run pip install '.[train]' in the project's folder"
    )
