"""Checks files of ONNX with the package onnx: that each is a model of opset 17 or
less, with types and shapes that hold from inputs to outputs, the first dimension
free.

    /usr/bin/python3 scripts/onnx_check.py FILE...
"""
import sys

import onnx


def described(value):
    tensor = value.type.tensor_type
    return value.name, tensor.elem_type, [d.dim_param or d.dim_value for d in tensor.shape.dim]


def check(path):
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    versions = {o.domain: o.version for o in model.opset_import}
    assert versions.pop("") <= 17 and set(versions) <= {"ai.onnx.ml"}, versions
    declared = [described(o) for o in model.graph.output]
    outputs = list(model.graph.output)
    for o in outputs:  # what inference finds by itself
        o.type.tensor_type.ClearField("shape")
    inferred = onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True)
    for (name, kind, shape), o in zip(declared, inferred.graph.output):
        _, found_kind, found = described(o)
        assert kind == found_kind, (name, kind, found_kind)
        if found:  # windows of lines have sizes that inference cannot know
            assert len(found) == len(shape), (name, shape, found)
            assert all(isinstance(f, str) or f in (0, s) for s, f in zip(shape, found)), (name, shape, found)
        assert isinstance(shape[0], str), (name, shape)
    return f"{path}: {len(model.graph.node)} nodes, {[described(v) for v in model.graph.input]} -> {declared}"


for path in sys.argv[1:]:
    print(check(path))
