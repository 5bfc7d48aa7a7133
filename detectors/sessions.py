"""How networks are opened: few threads, no spinning, memory kept for the next run."""

from pathlib import Path

import onnxruntime as ort
from onnxruntime.capi import onnxruntime_pybind11_state as onnx

# What opening or running a file raises that is no sound network.
DAMAGED = (onnx.Fail, onnx.InvalidArgument, onnx.InvalidGraph, onnx.InvalidProtobuf, onnx.NotImplemented)


def open_session(path: Path, *, threads: int = 1) -> ort.InferenceSession:
    """Opens an ONNX file on the CPU. `Run` of the returned session may be called from several threads at once."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # A waiting thread that spins takes the core of the worker beside it.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    # Plans of memory are kept for every shape of input ever seen.
    options.enable_mem_pattern = False
    options.log_severity_level = 3
    return ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
