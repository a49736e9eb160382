#include "sofa/identity/secrets.h"

#include <argon2.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <vector>

#include "sofa/base/base64.h"
#include "sofa/base/bytes.h"
#include "sofa/base/file.h"
#include "sofa/base/text.h"

namespace sofa::identity {

namespace {

constexpr size_t kSalt = 16, kHash = 32;                                        // bytes; RFC 9106, section 3.1
constexpr size_t kNonce = 12, kTag = 16;                                        // bytes; AES-GCM
constexpr char kSealedVersion = '1';                                            // of the form of a sealed secret
constexpr std::string_view kIdLetters = "abcdefghijkmnopqrstuvwxyz0123456789";  // without l, which looks like 1

std::string base64url(ByteSpan bytes) {
  std::string text = to_base64(bytes, Base64Padding::none);
  for (char& c : text) c = c == '+' ? '-' : c == '/' ? '_' : c;
  return text;
}

struct FreeContext {
  void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};
using Cipher = std::unique_ptr<EVP_CIPHER_CTX, FreeContext>;

/// What fails here fails for want of memory alone.
void must(bool well, const char* what) {
  if (well) return;
  fmt::print(stderr, "OpenSSL cannot {}\n", what);
  std::abort();
}

}  // namespace

Result<void> check_password(std::string_view password) {
  if (password.size() >= kLeastPassword && password.size() <= kMostPassword) return {};
  return fail(Code::invalid_argument, "the password has {} bytes: take {} to {}", password.size(), kLeastPassword, kMostPassword);
}

Result<std::string> hash_password(std::string_view password, const PasswordCost& cost, const Entropy& entropy) {
  std::array<uint8_t, kSalt> salt;
  entropy(salt);
  std::string encoded(argon2_encodedlen(cost.passes, cost.memory_kib, 1, kSalt, kHash, Argon2_id), '\0');
  const int status = argon2id_hash_encoded(cost.passes, cost.memory_kib, 1, password.data(), password.size(), salt.data(), salt.size(), kHash,
                                           encoded.data(), encoded.size());
  if (status != ARGON2_OK) return fail(Code::resource_exhausted, "the password cannot be hashed: {}", argon2_error_message(status));
  encoded.resize(std::strlen(encoded.c_str()));
  return encoded;
}

bool verify_password(std::string_view password, const std::string& hash) {
  return argon2id_verify(hash.c_str(), password.data(), password.size()) == ARGON2_OK;
}

std::string make_secret(std::string_view prefix, size_t bytes, const Entropy& entropy) {
  std::vector<uint8_t> raw(bytes);
  entropy(raw);
  return std::string(prefix) + base64url(raw);
}

std::string make_id(std::string_view prefix, const Entropy& entropy) {
  std::array<uint8_t, 12> raw;
  entropy(raw);
  std::string id(prefix);
  for (const uint8_t byte : raw) id += kIdLetters[byte % kIdLetters.size()];
  return id;
}

std::string sha256_hex(std::string_view text) {
  std::array<uint8_t, 32> digest;
  must(EVP_Digest(text.data(), text.size(), digest.data(), nullptr, EVP_sha256(), nullptr) == 1, "make a SHA-256");
  return to_hex(digest);
}

std::string hmac_sha256_hex(std::string_view key, std::string_view text) {
  std::array<uint8_t, 32> digest;
  const ByteSpan bytes = as_bytes(text);
  must(HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), bytes.data(), bytes.size(), digest.data(), nullptr) != nullptr, "make an HMAC");
  return to_hex(digest);
}

struct NodeKey::Key {
  std::array<uint8_t, kBytes> bytes{};
  ~Key() { OPENSSL_cleanse(bytes.data(), bytes.size()); }
};

namespace {

Result<void> sync_folder_of(const std::string& path) {
  const std::string parent = std::filesystem::path(path).parent_path();
  const int folder = ::open(parent.empty() ? "." : parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const int error = folder >= 0 && ::fsync(folder) == 0 ? 0 : errno;
  if (folder >= 0) ::close(folder);
  return error == 0 ? Result<void>() : std::unexpected(errno_error(error, fmt::format("the folder of the node key '{}' cannot be synced", path)));
}

/// Written under another name first, so that a key is there whole or not at all; one that another process made meanwhile stays.
Result<void> make_key_file(const std::string& path, const Entropy& entropy) {
  std::array<uint8_t, NodeKey::kBytes> bytes;
  entropy(bytes);
  const std::string fresh = path + ".new";
  std::string text = to_hex(bytes) + "\n";
  auto written = write_private_file(fresh, text);
  OPENSSL_cleanse(text.data(), text.size());
  OPENSSL_cleanse(bytes.data(), bytes.size());
  if (!written) return std::unexpected(std::move(written.error()).wrap("the node key cannot be kept"));
  const int error = ::link(fresh.c_str(), path.c_str()) == 0 || errno == EEXIST ? 0 : errno;
  ::unlink(fresh.c_str());
  if (error != 0) return std::unexpected(errno_error(error, fmt::format("the node key '{}' cannot be made", path)));
  return sync_folder_of(path);
}

}  // namespace

Result<NodeKey> NodeKey::open(const std::string& path, const Entropy& entropy) {
  struct stat known{};
  if (::stat(path.c_str(), &known) != 0) {
    if (auto made = make_key_file(path, entropy); !made) return forward_error(made);
  } else if ((known.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
    return fail(Code::failed_precondition, "others than its owner may read or write the node key '{0}': chmod 600 '{0}'", path);
  }
  auto text = read_file(path, 4 * kBytes);
  if (!text) return forward_error(text);
  std::vector<uint8_t> bytes;
  if (!from_hex(trimmed(*text, " \r\n"), bytes) || bytes.size() != kBytes) {
    return fail(Code::data_loss, "the file '{}' holds no node key, which is {} hexadecimal digits: put back the one that belongs to this folder",
                path, 2 * kBytes);
  }
  NodeKey key = of(std::span<const uint8_t, kBytes>(bytes));
  OPENSSL_cleanse(bytes.data(), bytes.size());
  OPENSSL_cleanse(text->data(), text->size());
  return key;
}

NodeKey NodeKey::of(std::span<const uint8_t, kBytes> key) {
  auto owned = std::make_shared<Key>();
  std::ranges::copy(key, owned->bytes.begin());
  return NodeKey(std::move(owned));
}

std::string NodeKey::seal(std::string_view secret, std::string_view purpose, const Entropy& entropy) const {
  std::vector<uint8_t> sealed(kNonce + secret.size() + kTag);
  entropy(std::span(sealed).first(kNonce));
  uint8_t* const out = sealed.data() + kNonce;
  const ByteSpan in = as_bytes(secret), extra = as_bytes(purpose);
  const Cipher cipher(EVP_CIPHER_CTX_new());
  int n = 0;
  must(cipher != nullptr && EVP_EncryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, key_->bytes.data(), sealed.data()) == 1 &&
           EVP_EncryptUpdate(cipher.get(), nullptr, &n, extra.data(), static_cast<int>(extra.size())) == 1 &&
           EVP_EncryptUpdate(cipher.get(), out, &n, in.data(), static_cast<int>(in.size())) == 1 &&
           EVP_EncryptFinal_ex(cipher.get(), out + n, &n) == 1 && EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_GET_TAG, kTag, out + in.size()) == 1,
       "encrypt");
  return std::string(1, kSealedVersion) + to_base64(sealed);
}

Result<std::string> NodeKey::open_sealed(std::string_view sealed, std::string_view purpose) const {
  auto bytes = sealed.starts_with(kSealedVersion) ? from_base64(sealed.substr(1)) : std::nullopt;
  if (!bytes || bytes->size() < kNonce + kTag) return fail(Code::data_loss, "a sealed secret is of no form that this version knows");
  const size_t size = bytes->size() - kNonce - kTag;
  std::string secret(size, '\0');
  auto* const out = reinterpret_cast<uint8_t*>(secret.data());
  const ByteSpan extra = as_bytes(purpose);
  const Cipher cipher(EVP_CIPHER_CTX_new());
  int n = 0;
  const bool well = cipher != nullptr && EVP_DecryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, key_->bytes.data(), bytes->data()) == 1 &&
                    EVP_DecryptUpdate(cipher.get(), nullptr, &n, extra.data(), static_cast<int>(extra.size())) == 1 &&
                    EVP_DecryptUpdate(cipher.get(), out, &n, bytes->data() + kNonce, static_cast<int>(size)) == 1 &&
                    EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_SET_TAG, kTag, bytes->data() + kNonce + size) == 1 &&
                    EVP_DecryptFinal_ex(cipher.get(), out + n, &n) == 1;
  if (well) return secret;
  return fail(Code::data_loss, "a sealed secret cannot be opened: it was sealed under another node key, or was changed");
}

}  // namespace sofa::identity
