"""Writes and reads the model as GGUF version 3: matrices Q8_0, vectors F32. Layout: gguf specification."""

import struct

import numpy as np

_ALIGNMENT = 32
_U32, _I32, _F32, _BOOL, _STRING, _ARRAY = 4, 5, 6, 7, 8, 9
_TYPE_F32, _TYPE_Q8_0 = 0, 8
_PACK = {_U32: "<I", _I32: "<i", _F32: "<f", _BOOL: "<?"}

# Gemma's turn format, written for roles user and assistant.
_CHAT_TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}"
    "{{ '<start_of_turn>' }}{% if message['role'] == 'assistant' %}{{ 'model' }}{% else %}{{ 'user' }}{% endif %}"
    "{{ '\\n' + message['content'] + '<end_of_turn>\\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<start_of_turn>model\\n' }}{% endif %}"
)


def quantize_q8_0(values):
    """Blocks of 32 as f16 scale and 32 int8: scale = max|x| / 127; quants use the unrounded scale, half away from 0."""
    x = np.ascontiguousarray(values, dtype=np.float32).reshape(-1, 32)
    scale = (np.abs(x).max(1) / np.float32(127)).astype(np.float32)
    inverse = np.divide(np.float32(1), scale, out=np.zeros_like(scale), where=scale != 0)
    scaled = x * inverse[:, None]
    quants = (np.sign(scaled) * np.floor(np.abs(scaled) + np.float32(0.5))).astype(np.int8)
    blocks = np.empty(len(x), dtype=[("d", "<f2"), ("q", "i1", 32)])
    blocks["d"], blocks["q"] = scale.astype(np.float16), quants
    return blocks.tobytes()


def dequantize_q8_0(data):
    blocks = np.frombuffer(data, dtype=[("d", "<f2"), ("q", "i1", 32)])
    return (blocks["q"].astype(np.float32) * blocks["d"].astype(np.float32)[:, None]).reshape(-1)


def metadata(config, vocabulary, name, description):
    """Key, value type (element type for lists) and value of every metadata entry."""
    c = config
    return [
        ("general.architecture", _STRING, "gemma3"),
        ("general.type", _STRING, "model"),
        ("general.name", _STRING, name),
        ("general.description", _STRING, description),
        ("general.license", _STRING, "apache-2.0"),
        ("general.file_type", _U32, 7),
        ("general.quantization_version", _U32, 2),
        ("gemma3.context_length", _U32, c.context_length),
        ("gemma3.embedding_length", _U32, c.embedding_dim),
        ("gemma3.block_count", _U32, c.n_layers),
        ("gemma3.feed_forward_length", _U32, c.ffn_dim),
        ("gemma3.attention.head_count", _U32, c.n_heads),
        ("gemma3.attention.head_count_kv", _U32, c.n_kv_heads),
        ("gemma3.attention.key_length", _U32, c.head_dim),
        ("gemma3.attention.value_length", _U32, c.head_dim),
        ("gemma3.attention.layer_norm_rms_epsilon", _F32, c.rms_norm_eps),
        ("gemma3.rope.freq_base", _F32, c.rope_theta),
        ("gemma3.attention.sliding_window", _U32, c.sliding_window),
        ("tokenizer.ggml.model", _STRING, "llama"),
        ("tokenizer.ggml.tokens", _STRING, vocabulary.tokens),
        ("tokenizer.ggml.scores", _F32, vocabulary.scores),
        ("tokenizer.ggml.token_type", _I32, vocabulary.types),
        ("tokenizer.ggml.bos_token_id", _U32, vocabulary.ids["<bos>"]),
        ("tokenizer.ggml.eos_token_id", _U32, vocabulary.ids["<eos>"]),
        ("tokenizer.ggml.eot_token_id", _U32, vocabulary.ids["<end_of_turn>"]),
        ("tokenizer.ggml.unknown_token_id", _U32, vocabulary.ids["<unk>"]),
        ("tokenizer.ggml.padding_token_id", _U32, vocabulary.ids["<pad>"]),
        ("tokenizer.ggml.add_bos_token", _BOOL, True),
        ("tokenizer.ggml.add_eos_token", _BOOL, False),
        ("tokenizer.ggml.add_space_prefix", _BOOL, False),
        ("tokenizer.chat_template", _STRING, _CHAT_TEMPLATE),
    ]


def write(path, entries, tensors):
    """Writes metadata entries and tensors (name to float array; [out, in] for a matrix)."""
    head = [struct.pack("<4sIQQ", b"GGUF", 3, len(tensors), len(entries))]
    for key, kind, value in entries:
        head.append(_string(key))
        if isinstance(value, list):
            head.append(struct.pack("<IIQ", _ARRAY, kind, len(value)))
            head += [_value(kind, v) for v in value]
        else:
            head += [struct.pack("<I", kind), _value(kind, value)]
    blobs, offset = [], 0
    for name, values in tensors.items():
        matrix = values.ndim == 2
        blob = quantize_q8_0(values) if matrix else values.astype("<f4").tobytes()
        shape = values.shape[::-1]
        head.append(_string(name) + struct.pack(f"<I{len(shape)}Q", len(shape), *shape))
        head.append(struct.pack("<IQ", _TYPE_Q8_0 if matrix else _TYPE_F32, offset))
        blobs.append(_pad(blob))
        offset += len(blobs[-1])
    with open(path, "wb") as out:
        out.write(_pad(b"".join(head)))
        out.writelines(blobs)


def read(path):
    """Metadata (key to value) and tensors (name to float32 array, dequantized) of a file that `write` made."""
    with open(path, "rb") as source:
        data = source.read()
    reader = _Reader(data)
    magic, version, n_tensors, n_entries = reader.take("<4sIQQ")
    if magic != b"GGUF" or version != 3:
        raise ValueError(f"{path}: expected GGUF version 3, got {magic!r} version {version}")
    entries = {}
    for _ in range(n_entries):
        key = reader.string()
        (kind,) = reader.take("<I")
        if kind == _ARRAY:
            kind, count = reader.take("<IQ")
            entries[key] = [reader.value(kind) for _ in range(count)]
        else:
            entries[key] = reader.value(kind)
    infos = []
    for _ in range(n_tensors):
        name = reader.string()
        (rank,) = reader.take("<I")
        infos.append((name, reader.take(f"<{rank}Q"), *reader.take("<IQ")))
    start = -(-reader.at // _ALIGNMENT) * _ALIGNMENT
    tensors = {}
    for name, shape, kind, offset in infos:
        count = int(np.prod(shape))
        size = count // 32 * 34 if kind == _TYPE_Q8_0 else count * 4
        blob = data[start + offset : start + offset + size]
        values = dequantize_q8_0(blob) if kind == _TYPE_Q8_0 else np.frombuffer(blob, "<f4")
        tensors[name] = values.reshape(shape[::-1])
    return entries, tensors


class _Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, layout):
        values = struct.unpack_from(layout, self.data, self.at)
        self.at += struct.calcsize(layout)
        return values

    def string(self):
        (length,) = self.take("<Q")
        self.at += length
        return self.data[self.at - length : self.at].decode()

    def value(self, kind):
        return self.string() if kind == _STRING else self.take(_PACK[kind])[0]


def _string(text):
    raw = text.encode()
    return struct.pack("<Q", len(raw)) + raw


def _value(kind, value):
    return _string(value) if kind == _STRING else struct.pack(_PACK[kind], value)


def _pad(blob):
    return blob + bytes(-len(blob) % _ALIGNMENT)
