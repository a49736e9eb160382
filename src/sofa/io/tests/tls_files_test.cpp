// Certificates in files: what is wrong with them, and how they are read again.

#include "tls_fixture.h"

namespace sofa::io {
namespace {

using testing::PemFolder;

TlsCertificate named(const std::string& name) { return authority().issue({.common_name = name, .alternative_names = {"DNS:" + name}}); }

Task<Result<std::string>> name_shown_by(const TlsServerContext& server) {
  const auto client = client_of({.verify = false});
  Shaken both = co_await or_return(shake(server, *client, "localhost"));
  Stream stream = co_await or_return(std::move(both.client));
  co_return std::string(stream.peer_certificate_name());
}

TEST_F(Tls, ReadsItsFilesAgainWithoutARestart) {
  run_ok(runtime_, [&]() -> Body {
    const PemFolder folder;
    folder.put("server", named("first.example.com"));
    const auto server = server_of({.certificates = {folder.files("server")}});
    const auto client = client_of({.verify = false});
    Shaken old = co_await or_return(shake(*server, *client, "localhost"));
    folder.put("server", named("second.example.com"));
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
    const PemFolder folder;
    folder.put("server", named("first.example.com"));
    const auto server = server_of({.certificates = {folder.files("server")}, .reload_interval = milliseconds(10)});
    TaskGroup group(co_await current_scope());
    group.spawn("watch", server->watch());
    folder.put("server.pem", "no certificate");
    co_await or_return(co_await eventually([&] { return reports.contain("TLS goes on with the certificates that it has"); }));
    EXPECT_EQ(co_await or_return(name_shown_by(*server)), "first.example.com");
    const size_t told = reports.size();
    folder.put("server", named("second.example.com"));
    co_await or_return(co_await eventually([&] { return reports.contain("were read again"); }));
    EXPECT_LE(reports.size(), told + 2) << "each change is told once";
    EXPECT_EQ(co_await or_return(name_shown_by(*server)), "second.example.com");
    group.cancel("the test ends");
    [[maybe_unused]] const auto joined = co_await group.join();
    co_return kOk;
  });
}

TEST(TlsFiles, WhatIsWrongWithThemIsSaid) {
  const PemFolder folder;
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
