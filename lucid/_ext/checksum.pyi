from lucid._ext.numpy_twins import AnyArray

def checksum(array: AnyArray) -> int: ...

__test__: dict[str, str]
