// Certificates in files: what is wrong with them, and how they are read again.

#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "tls_fixture.h"

namespace sofa::io {
namespace {

/// A folder that goes with the test.
class Folder {
 public:
  Folder() {
    std::string name = "/tmp/sofa-tls-XXXXXX";
    path_ = ::mkdtemp(name.data());
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  /// As tools that renew certificates do it: a new file takes the place of the old one.
  std::string put(const std::string& name, const std::string& text) const {
    const std::string path = path_ + "/" + name;
    std::ofstream(path + ".new") << text;
    std::filesystem::rename(path + ".new", path);
    return path;
  }
  void put(const TlsCertificate& pair) const {
    put("server.pem", pair.certificate);
    put("server.key", pair.key);
  }
  TlsCertificate files() const { return {.certificate = path_ + "/server.pem", .key = path_ + "/server.key"}; }

 private:
  std::string path_;
};

TlsCertificate named(const std::string& name) { return authority().issue({.common_name = name, .alternative_names = {"DNS:" + name}}); }

Task<Result<std::string>> name_shown_by(const TlsServerContext& server) {
  const auto client = client_of({.verify = false});
  Shaken both = co_await or_return(shake(server, *client, "localhost"));
  Stream stream = co_await or_return(std::move(both.client));
  co_return std::string(stream.peer_certificate_name());
}

TEST_F(Tls, ReadsItsFilesAgainWithoutARestart) {
  run_ok(runtime_, [&]() -> Body {
    const Folder folder;
    folder.put(named("first.example.com"));
    const auto server = server_of({.certificates = {folder.files()}});
    const auto client = client_of({.verify = false});
    Shaken old = co_await or_return(shake(*server, *client, "localhost"));
    folder.put(named("second.example.com"));
    EXPECT_EQ(co_await or_return(name_shown_by(*server)), "first.example.com") << "nobody has said reload";
    co_await or_return(server->reload());
    EXPECT_EQ(co_await or_return(name_shown_by(*server)), "second.example.com");
    co_await or_return(old.client.value().write(Bytes::literal("still here")));
    EXPECT_EQ(co_await or_return(read_text(old.server.value(), 10)), "still here");
    folder.put("server.key", named("third.example.com").key);
    auto mixed = server->reload();
    EXPECT_FALSE(mixed.has_value());
    if (!mixed) expect_says(mixed.error(), {"server.key", "does not belong to the certificate", "server.pem", "CN=second.example.com"});
    EXPECT_EQ(co_await or_return(name_shown_by(*server)), "second.example.com") << "what was good stays";
    co_return kOk;
  });
}

TEST_F(Tls, NoticesChangedFilesByItself) {
  Reports reports;
  run_ok(runtime_, [&]() -> Body {
    const Folder folder;
    folder.put(named("first.example.com"));
    const auto server = server_of({.certificates = {folder.files()}, .reload_interval = milliseconds(10)});
    TaskGroup group(co_await current_scope());
    group.spawn("watch", server->watch());
    folder.put("server.pem", "no certificate");
    co_await or_return(co_await eventually([&] { return reports.contain("TLS goes on with the certificates that it has"); }));
    EXPECT_EQ(co_await or_return(name_shown_by(*server)), "first.example.com");
    const size_t told = reports.size();
    folder.put(named("second.example.com"));
    co_await or_return(co_await eventually([&] { return reports.contain("were read again"); }));
    EXPECT_LE(reports.size(), told + 2) << "each change is told once";
    EXPECT_EQ(co_await or_return(name_shown_by(*server)), "second.example.com");
    group.cancel("the test ends");
    [[maybe_unused]] const auto joined = co_await group.join();
    co_return kOk;
  });
}

TEST(TlsFiles, WhatIsWrongWithThemIsSaid) {
  const Folder folder;
  const TlsCertificate good = named("a.example.com");
  const auto server_error = [](TlsCertificate certificate) {
    auto context = TlsServerContext::create({.certificates = {std::move(certificate)}});
    EXPECT_FALSE(context.has_value());
    return context ? Error(Code::internal, "it was taken") : context.error();
  };
  expect_says(server_error({.certificate = "/nowhere/server.pem", .key = good.key}),
              {"cannot read the certificate '/nowhere/server.pem'", "No such file"});
  expect_says(server_error({.certificate = folder.put("empty.pem", ""), .key = good.key}), {"empty.pem", "has no certificate in PEM form"});
  expect_says(server_error({.certificate = good.certificate, .key = folder.put("bad.key", "x")}), {"the private key", "bad.key", "cannot be read"});
  expect_says(server_error({.certificate = good.certificate, .key = named("b").key}), {"does not belong to the certificate", "CN=a.example.com"});
  expect_says(server_error({.certificate = good.certificate.substr(0, 200), .key = good.key}), {"certificate (given as PEM text)"});
  expect_says(TlsServerContext::create({}).error(), {"needs a certificate"});
  expect_says(TlsClientContext::create({.ca = "/nowhere/ca.pem"}).error(), {"list of trusted certificates '/nowhere/ca.pem'"});
}

TEST(TlsFiles, AnExpiredCertificateIsReportedAtTheStart) {
  Reports reports;
  const auto server = server_of(server_config({.common_name = "old.example.com", .begins = seconds(-7200), .ends = seconds(-3600)}));
  EXPECT_TRUE(reports.contain("CN=old.example.com") && reports.contain("is expired since"));
}

}  // namespace
}  // namespace sofa::io
