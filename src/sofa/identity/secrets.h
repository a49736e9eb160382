#pragma once
// Passwords, tokens and sealed secrets. Nothing here logs, and no error holds a secret.

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "sofa/base/entropy.h"
#include "sofa/base/error.h"

namespace sofa::identity {

/// Fills the bytes with randomness for secrets. Any thread.
using Entropy = std::function<void(std::span<uint8_t> bytes)>;

/// What one argon2id costs (RFC 9106); those of OWASP's advice.
struct PasswordCost {
  uint32_t memory_kib = 19'456;
  uint32_t passes = 2;
};

inline constexpr size_t kLeastPassword = 8, kMostPassword = 256;  // bytes
/// A password to be set: its length.
Result<void> check_password(std::string_view password);

/// The password with fresh salt, as "$argon2id$v=19$m=...". Takes `cost.memory_kib` of memory and tens of milliseconds: on a pool.
Result<std::string> hash_password(std::string_view password, const PasswordCost& cost, const Entropy& entropy);
/// False for another password. As dear as hash_password, and takes the same time for every answer.
bool verify_password(std::string_view password, const std::string& hash);

/// `prefix` and so many random bytes as letters, digits, '-' and '_'.
std::string make_secret(std::string_view prefix, size_t bytes, const Entropy& entropy);
/// `prefix` and 12 random small letters and digits: a name for what has none.
std::string make_id(std::string_view prefix, const Entropy& entropy);
/// SHA-256, hexadecimal.
std::string sha256_hex(std::string_view text);
/// HMAC-SHA-256, hexadecimal.
std::string hmac_sha256_hex(std::string_view key, std::string_view text);

/// The key under which secrets lie on the disk: AES-256-GCM. Copies share it. Any thread.
class NodeKey {
 public:
  static constexpr size_t kBytes = 32;

  /// Reads the file, or makes one that only its owner may read. Errors: failed_precondition for one that others may read, data_loss for one that
  /// holds no key. Blocks.
  static Result<NodeKey> open(const std::string& path, const Entropy& entropy = system_entropy);
  /// Kept nowhere.
  static NodeKey of(std::span<const uint8_t, kBytes> key);

  /// Encrypted, as text. `purpose` must be the same to open it: a value cannot be moved to another place.
  std::string seal(std::string_view secret, std::string_view purpose, const Entropy& entropy) const;
  /// data_loss when it was sealed under another key or for another purpose, or was changed.
  Result<std::string> open_sealed(std::string_view sealed, std::string_view purpose) const;

 private:
  struct Key;
  explicit NodeKey(std::shared_ptr<const Key> key) : key_(std::move(key)) {}
  std::shared_ptr<const Key> key_;
};

}  // namespace sofa::identity
