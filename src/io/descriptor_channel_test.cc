// Messages with descriptors arrive whole and in order, however many and however long.
#include "io/descriptor_channel.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <numeric>

#include "io/epoll_engine.h"
#include "io/system_clock.h"
#include "io/task_group.h"

namespace passerelle::io {
namespace {

class DescriptorChannelTest : public testing::Test {
 protected:
  void run(Task<> task) {
    group.spawn(wrap(std::move(task)));
    engine.run();
  }
  Task<> wrap(Task<> task) {
    co_await std::move(task);
    engine.stop();
  }
  void open() {
    auto ends = DescriptorChannel::make_pair();
    ASSERT_TRUE(ends);
    here = std::make_unique<DescriptorChannel>(engine, std::move(ends->first));
    there = std::make_unique<DescriptorChannel>(engine, std::move(ends->second));
  }

  SystemClock clock;
  SystemRandom random;
  EpollEngine engine{clock, random};
  TaskGroup group{engine};
  std::unique_ptr<DescriptorChannel> here, there;
};

ino_t file_of(int descriptor) {
  struct stat info{};
  return ::fstat(descriptor, &info) == 0 ? info.st_ino : 0;
}

Task<> send_many(DescriptorChannel& channel, std::vector<int> descriptors) {
  for (std::uint8_t kind = 0; kind < 20; ++kind) {
    const std::string bytes(static_cast<std::size_t>(kind) * 100'000, static_cast<char>('a' + kind));
    const std::vector<int> some(descriptors.begin(), descriptors.begin() + (kind % 3 == 0 ? 0 : kind * 10));
    EXPECT_TRUE((co_await channel.send(kind, bytes, some, {})).has_value());
  }
}

Task<> receive_many(DescriptorChannel& channel, ino_t file) {
  for (std::uint8_t kind = 0; kind < 20; ++kind) {
    const auto got = co_await channel.receive({});
    EXPECT_TRUE(got.has_value());
    if (!got) co_return;
    EXPECT_EQ(got->kind, kind);
    EXPECT_EQ(got->bytes,
              std::string(static_cast<std::size_t>(kind) * 100'000, static_cast<char>('a' + kind)));
    EXPECT_EQ(got->descriptors.size(), kind % 3 == 0 ? 0U : kind * 10U);
    for (const Descriptor& descriptor : got->descriptors) EXPECT_EQ(file_of(descriptor.get()), file);
  }
}

TEST_F(DescriptorChannelTest, LongMessagesWithManyDescriptorsArriveInOrder) {
  open();
  const Descriptor file(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  group.spawn(send_many(*here, std::vector<int>(DescriptorChannel::descriptors_max, file.get())));
  run(receive_many(*there, file_of(file.get())));
}

Task<> meet_the_end(DescriptorChannel& channel) {
  const auto got = co_await channel.receive({});
  EXPECT_FALSE(got.has_value());
  EXPECT_EQ(got.error().kind, ErrorKind::closed);
  const auto sent = co_await channel.send(1, "anybody?", {}, {});
  EXPECT_FALSE(sent.has_value());
  EXPECT_EQ(sent.error().kind, ErrorKind::closed);
}

TEST_F(DescriptorChannelTest, TheOthersEndIsToldToReaderAndWriter) {
  open();
  there.reset();
  run(meet_the_end(*here));
}

Task<> wait_in_vain(DescriptorChannel& channel, Engine& engine) {
  const auto got = co_await channel.receive({engine.now() + std::chrono::milliseconds(5), nullptr});
  EXPECT_EQ(got.error().kind, ErrorKind::timed_out);
  StopSource stop;
  stop.request_stop();
  const auto stopped = co_await channel.receive({never, &stop});
  EXPECT_EQ(stopped.error().kind, ErrorKind::stopped);
}

TEST_F(DescriptorChannelTest, AWaitHasItsDeadlineAndItsStop) {
  open();
  run(wait_in_vain(*here, engine));
}

}  // namespace
}  // namespace passerelle::io
