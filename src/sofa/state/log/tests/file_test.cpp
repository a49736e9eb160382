#include "sofa/state/log/file.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "sofa/state/log/testing/fault_file_system.h"

namespace sofa::log::testing {
namespace {

/// The same promises of the machine's file system and of the one with faults.
class Files : public ::testing::TestWithParam<bool> {
 protected:
  void SetUp() override {
    if (GetParam()) {
      char folder[] = "/tmp/sofa_file_XXXXXX";
      ASSERT_NE(::mkdtemp(folder), nullptr);
      root_ = folder;
    } else {
      ASSERT_TRUE(create_folders(faulty_, root_));
    }
  }
  void TearDown() override {
    if (GetParam()) std::filesystem::remove_all(root_);
  }
  FileSystem& files() { return GetParam() ? posix_file_system() : faulty_; }
  void write(const std::string& name, std::string_view text) {
    auto file = files().open(root_ + "/" + name, OpenMode::create);
    ASSERT_TRUE(file) << file.error().to_string();
    ASSERT_TRUE(write_all(**file, 0, as_bytes(text)));
  }
  std::string read(const std::string& name) {
    auto file = files().open(root_ + "/" + name, OpenMode::read);
    return file ? std::string(read_all(**file)->text()) : file.error().to_string();
  }

  FaultFileSystem faulty_;
  std::string root_ = "/root";
};

TEST_P(Files, ALinkIsASecondNameOfTheSameBytesAndTakesNobodysPlace) {
  write("a", "content");
  ASSERT_TRUE(files().link(root_ + "/a", root_ + "/b"));
  EXPECT_EQ(read("b"), "content");
  const auto again = files().link(root_ + "/a", root_ + "/b");
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code(), Code::already_exists) << again.error().to_string();
  EXPECT_EQ(files().link(root_ + "/none", root_ + "/c").error().code(), Code::not_found);
  ASSERT_TRUE(files().unlink(root_ + "/a"));
  EXPECT_EQ(read("b"), "content");
}

TEST_P(Files, KnowsFoldersFilesAndNothing) {
  write("a", "");
  ASSERT_TRUE(files().create_folder(root_ + "/folder"));
  EXPECT_EQ(*files().kind_of(root_ + "/a"), PathKind::file);
  EXPECT_EQ(*files().kind_of(root_ + "/folder"), PathKind::folder);
  EXPECT_EQ(*files().kind_of(root_ + "/none"), PathKind::nothing);
  EXPECT_EQ(*files().kind_of(root_ + "/a/below"), PathKind::nothing);
}

TEST_P(Files, RemovesEmptyFoldersAloneAndTreesAsAWhole) {
  ASSERT_TRUE(create_folders(files(), root_ + "/tree/x/y"));
  write("tree/a", "1");
  write("tree/x/y/b", "2");
  write("tree!", "a neighbour in the order of names");
  write("tree0", "and another");
  EXPECT_FALSE(files().remove_folder(root_ + "/tree"));
  ASSERT_TRUE(remove_tree(files(), root_ + "/tree"));
  EXPECT_EQ(*files().list(root_), (std::vector<std::string>{"tree!", "tree0"}));
  EXPECT_TRUE(remove_tree(files(), root_ + "/tree")) << "nothing is left to remove";
  ASSERT_TRUE(remove_tree(files(), root_ + "/tree!"));
  EXPECT_EQ(*files().list(root_), std::vector<std::string>{"tree0"});
}

INSTANTIATE_TEST_SUITE_P(All, Files, ::testing::Bool(), [](const auto& info) { return info.param ? "Machine" : "Faulty"; });

TEST(FaultFiles, ALinkOfASyncedFileOutlivesAPowerCutOnceItsFolderIsSynced) {
  FaultFileSystem files;
  files.put("/old/a", {'a'});
  ASSERT_TRUE(create_folders(files, "/new"));
  ASSERT_TRUE(files.link("/old/a", "/new/a"));
  EXPECT_TRUE(files.after_power_cut(Survival::lost, 1)->contents("/new/a").empty());
  ASSERT_TRUE(files.sync_folder("/new"));
  EXPECT_EQ(files.after_power_cut(Survival::lost, 1)->contents("/new/a").size(), 1u);
}

TEST(FaultFiles, WhatWasInARemovedFolderDoesNotComeBackInANewOneOfThatName) {
  FaultFileSystem files;
  files.put("/root/folder/a", {'a'});
  ASSERT_TRUE(remove_tree(files, "/root/folder"));
  EXPECT_EQ(files.after_power_cut(Survival::lost, 1)->contents("/root/folder/a").size(), 1u) << "nothing was synced";
  ASSERT_TRUE(files.create_folder("/root/folder"));
  ASSERT_TRUE(files.sync_folder("/root"));
  const auto found = files.after_power_cut(Survival::lost, 1);
  EXPECT_EQ(*found->kind_of("/root/folder"), PathKind::folder);
  EXPECT_TRUE(found->list("/root/folder")->empty());
}

}  // namespace
}  // namespace sofa::log::testing
