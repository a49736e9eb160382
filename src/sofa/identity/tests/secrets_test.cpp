#include "sofa/identity/secrets.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "sofa/io/testing/certificates.h"

namespace sofa::identity {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr PasswordCost kCheap{.memory_kib = 64, .passes = 1};

Result<NodeKey> key_at(const std::string& path) { return NodeKey::open(path); }

TEST(Passwords, AHashIsArgon2idWithItsCostAndVerifiesItsPasswordAlone) {
  const auto hash = hash_password("correct horse", kCheap, system_entropy);
  ASSERT_TRUE(hash);
  EXPECT_THAT(*hash, StartsWith("$argon2id$v=19$m=64,t=1,p=1$"));
  EXPECT_TRUE(verify_password("correct horse", *hash));
  EXPECT_FALSE(verify_password("correct horsf", *hash));
  EXPECT_FALSE(verify_password("", *hash));
  EXPECT_FALSE(verify_password("correct horse", "no hash"));
  EXPECT_NE(*hash_password("correct horse", kCheap, system_entropy), *hash) << "each has its own salt";
}

// A vector of the reference implementation: "password" with the salt "somesalt" (argon2 somesalt -id -t 2 -m 8 -p 1).
TEST(Passwords, VerifiesAVectorOfTheReferenceImplementation) {
  EXPECT_TRUE(verify_password("password", "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"));
}

TEST(Passwords, HaveALeastAndAMostLength) {
  EXPECT_FALSE(check_password("1234567"));
  EXPECT_TRUE(check_password("12345678"));
  EXPECT_FALSE(check_password(std::string(257, 'x')));
  EXPECT_THAT(std::string(check_password("secret7").error().message()), Not(HasSubstr("secret7")));
}

TEST(Secrets, AreLongAndDiffer) {
  const std::string one = make_secret("sofa_", 32, system_entropy);
  EXPECT_EQ(one.size(), 5u + 43u);
  EXPECT_NE(one, make_secret("sofa_", 32, system_entropy));
  EXPECT_EQ(one.find_first_of("+/="), std::string::npos);
  EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");  // FIPS 180-2, appendix B.1
  EXPECT_EQ(hmac_sha256_hex("Jefe", "what do ya want for nothing?"),                                 // RFC 4231, section 4.3
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

TEST(NodeKeyFile, SealsForOnePurposeUnderOneKey) {
  const std::array<uint8_t, NodeKey::kBytes> first{1}, second{2};
  const NodeKey key = NodeKey::of(first);
  const std::string sealed = key.seal("the secret", "key/AK1", system_entropy);
  EXPECT_EQ(sealed.find("secret"), std::string::npos);
  EXPECT_NE(sealed, key.seal("the secret", "key/AK1", system_entropy));
  EXPECT_EQ(key.open_sealed(sealed, "key/AK1").value(), "the secret");
  EXPECT_EQ(key.open_sealed(sealed, "key/AK2").error().code(), Code::data_loss);
  EXPECT_EQ(NodeKey::of(second).open_sealed(sealed, "key/AK1").error().code(), Code::data_loss);
  for (size_t i = 0; i < sealed.size(); ++i) {
    std::string changed = sealed;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    EXPECT_FALSE(key.open_sealed(changed, "key/AK1")) << i;
    EXPECT_FALSE(key.open_sealed(std::string_view(sealed).substr(0, i), "key/AK1")) << i;
  }
}

TEST(NodeKeyFile, IsMadeOnceAndForItsOwnerAlone) {
  const io::testing::PemFolder folder;
  const std::string path = folder.put("other", "") + ".node-key";
  const auto made = key_at(path);
  ASSERT_TRUE(made) << made.error().to_string();
  const std::string sealed = made->seal("s", "p", system_entropy);
  struct stat known{};
  ASSERT_EQ(::stat(path.c_str(), &known), 0);
  EXPECT_EQ(known.st_mode & 0777, 0600u);
  EXPECT_EQ(key_at(path)->open_sealed(sealed, "p").value(), "s");

  ::chmod(path.c_str(), 0640);
  EXPECT_EQ(key_at(path).error().code(), Code::failed_precondition);
  EXPECT_THAT(key_at(path).error().to_string(), HasSubstr("chmod 600"));
  ::chmod(path.c_str(), 0600);
  std::ofstream(path) << "0123";
  EXPECT_EQ(key_at(path).error().code(), Code::data_loss);
  std::filesystem::remove(path);
}

}  // namespace
}  // namespace sofa::identity
