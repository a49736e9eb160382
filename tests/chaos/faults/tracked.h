#pragma once
// Which descriptors and paths belong to the data folder ($SOFA_FAULTS_ROOT, an absolute path).

#include <string>

namespace sofa::chaos {

/// Whether the descriptor is of a file or folder of the data folder; remembered until `forget`.
bool tracked(int fd);
void forget(int fd);

/// Whether the absolute path lies in the data folder. The folder itself does not: what makes its own name durable happens outside of it.
bool in_data_folder(const std::string& path);

/// The path as an absolute one; empty when it cannot be told.
std::string absolute(int folder, const char* path);

}  // namespace sofa::chaos
