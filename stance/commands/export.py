"""`stance export`: a copy of a model with another ONNX file."""

import argparse
from pathlib import Path

from stance.commands.common import DONE, need_extra, say
from stance.reporting.visible import make_line

EXAMPLES = """\
Needs an extra: pip install '.[train]' in the project's folder. MODEL is a folder as stance train
writes it. The copy has the same checkpoint, tokenizer, thresholds and card, and a model.onnx made
anew from the checkpoint, in float32 with --float32 and else with 8-bit weights, as training makes
it. It is compared with PyTorch before it is written; stance score --model takes it.

Thresholds and temperatures were fitted on the 8-bit file: see with stance evaluate what float32
changes before you choose it.

exit code: 0 fine; 2 wrong use, or nothing could be done.

examples:
  stance export --float32 --out exact
  stance export runs/mine/model --float32 --out exact
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `stance export`."""
    parser.add_argument(
        "model", nargs="?", metavar="MODEL", help="model folder (default: built in)"
    )
    parser.add_argument(
        "--float32", action="store_true", help="weights as they are (default: 8-bit weights)"
    )
    parser.add_argument("--out", required=True, metavar="FOLDER", help="a new folder")


def run(args: argparse.Namespace) -> int:
    """Write the copy, and say how far it is from PyTorch."""
    need_extra("stance export", "train", ("torch", "transformers", "onnx", "onnxscript"))
    from stance.modeling.calibration import Calibration
    from stance.modeling.folder import check_new_folder, copied_model
    from stance.scoring.analyzer import model_folder

    model, folder = model_folder(args.model), Path(args.out)
    check_new_folder(folder, model)
    calibration = Calibration.load(model)
    with copied_model(model, folder) as copy:
        difference = _export(copy, calibration.max_length, float32=args.float32)
    say(f"largest difference of a probability from PyTorch: {max(difference.values()):.2g}")
    print(make_line(str(folder)))
    return DONE


def _export(folder: Path, max_length: int, *, float32: bool) -> dict[str, float]:
    from stance.modeling.encoding import InputEncoder
    from stance.modeling.export import export, export_float32
    from stance.modeling.network import CommentModel

    encoder = InputEncoder.from_folder(folder, max_length)
    *comments, target = encoder.tokenize([*_SAMPLE, "tram line 4"])
    windows = [
        window
        for tokens in comments
        for window in (*encoder.single(tokens), *encoder.pair(target, tokens))
    ]
    model = CommentModel.load(folder)
    if float32:
        return export_float32(model, folder, windows)
    return export(model, folder, windows).int8


# What the exported file and PyTorch are compared on: short, long, toxic, and hardly words at all.
_SAMPLE = (
    "At last! I have waited twenty years for a tram to the hospital.",
    "Shut up, you fool.",
    "No.",
    "http://example.org :-) 100%",
    "The council has promised line 4 in every election since I moved here, and every time there "
    "was no money the day after. " * 8,
)
