// The source that the tests' precompiled header needs beside it.
