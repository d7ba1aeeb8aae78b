#include "control/state_folder.h"

#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace passerelle::control {
namespace {

std::string new_folder() {
  std::string path = testing::TempDir() + "state-XXXXXX";
  return ::mkdtemp(path.data());
}

TEST(StateFolder, MakesASecretOnceForItsOwnerAlone) {
  const StateFolder folder(new_folder() + "/deeper");
  SeededRandom one(1), two(2);
  const auto made = folder.secret("affinity.key", one);
  ASSERT_TRUE(made) << made.error();
  EXPECT_EQ(made->size(), 64U);
  EXPECT_EQ(folder.secret("affinity.key", two), made) << "kept";
  EXPECT_NE(folder.secret("other.key", two), made);
  struct stat status{};
  ASSERT_EQ(::stat((folder.path() + "/affinity.key").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
  ASSERT_EQ(::stat(folder.path().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0700U);
  const auto files = std::distance(std::filesystem::directory_iterator(folder.path()), {});
  EXPECT_EQ(files, 2) << "no draft is left";
}

TEST(StateFolder, IsNotStoppedByADraftThatWasLeftNorByASecretThatIsNone) {
  const StateFolder folder(new_folder());
  SeededRandom random(1);
  std::ofstream(folder.path() + "/affinity.key." + std::to_string(::getpid())) << "half";
  EXPECT_TRUE(folder.secret("affinity.key", random));
  std::ofstream(folder.path() + "/token") << "short";
  const auto made = folder.secret("token", random);
  ASSERT_FALSE(made);
  EXPECT_THAT(made.error(), testing::HasSubstr("holds less than 32 bytes, so it is no secret; remove it"));
}

TEST(StateFolder, ReplacesAFileWholeForItsOwnerAlone) {
  const StateFolder folder(new_folder() + "/deeper");
  EXPECT_EQ(folder.read("gateway.json"), "");
  ASSERT_TRUE(folder.replace("gateway.json", "one\n"));
  ASSERT_TRUE(folder.replace("gateway.json", std::string(1'000'000, 'x')));
  std::ofstream(folder.path_of("gateway.json.new")) << "half of one that was killed";
  ASSERT_TRUE(folder.replace("gateway.json", "two\n"));
  EXPECT_EQ(folder.read("gateway.json"), "two\n");
  struct stat status{};
  ASSERT_EQ(::stat(folder.path_of("gateway.json").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 1) << "no draft is left";
  ASSERT_TRUE(folder.remove("gateway.json"));
  ASSERT_TRUE(folder.remove("gateway.json"));
  EXPECT_EQ(folder.read("gateway.json"), "");
}

TEST(StateFolder, KeepsWhatThereIsWhereItCannotBeReplaced) {
  const StateFolder folder(new_folder());
  std::filesystem::create_directories(folder.path_of("gateway.json") + "/not empty");
  const auto replaced = folder.replace("gateway.json", "text");
  ASSERT_FALSE(replaced);
  EXPECT_THAT(replaced.error(), testing::HasSubstr("gateway.json cannot be written"));
  EXPECT_TRUE(std::filesystem::is_directory(folder.path_of("gateway.json")));
}

TEST(StateFolder, SaysWhyItCannotBeWrittenAndWhatToDo) {
  SeededRandom random(1);
  const auto made = StateFolder("/proc/nowhere").secret("affinity.key", random);
  ASSERT_FALSE(made);
  EXPECT_THAT(made.error(), testing::HasSubstr("--state DIR"));
}

}  // namespace
}  // namespace passerelle::control
