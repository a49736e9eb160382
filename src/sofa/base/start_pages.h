#pragma once
// Pages of the program's files that only its start reads: tables of relocations and symbols, mostly of shared libraries.

namespace sofa {

/// Takes the read-only data of the program and of its shared libraries out of its resident memory, once its start is over: about 3 MiB of 10. What
/// is read again comes back from the page cache, 64 KiB at a time and a microsecond each. Code stays, since a debugger writes into it. Any thread.
void release_start_pages();

}  // namespace sofa
