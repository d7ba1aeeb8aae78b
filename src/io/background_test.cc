#include "io/background.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "io/epoll_engine.h"
#include "io/system_clock.h"
#include "io/task_group.h"

namespace passerelle::io {
namespace {

TEST(Background, RunsElsewhereOneAfterTheOtherAndComesBack) {
  SystemClock clock;
  SystemRandom random;
  EpollEngine engine(clock, random);
  Background background(engine);
  TaskGroup tasks(engine);
  const auto here = std::this_thread::get_id();
  std::atomic<int> at_once = 0;
  std::vector<int> came_back;
  const auto ask = [&](int number) -> Task<> {
    const bool elsewhere = co_await background.run([&] {
      EXPECT_EQ(++at_once, 1);
      const bool other = std::this_thread::get_id() != here;
      --at_once;
      return other;
    });
    EXPECT_TRUE(elsewhere);
    EXPECT_EQ(std::this_thread::get_id(), here);
    came_back.push_back(number);
  };
  const auto all = [&]() -> Task<> {
    TaskGroup asking(engine);
    for (int i = 0; i < 100; ++i) asking.spawn(ask(i));
    co_await asking.join();
    engine.stop();
  };
  tasks.spawn(all());
  engine.run();
  ASSERT_EQ(came_back.size(), 100U);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(came_back[static_cast<std::size_t>(i)], i);
}

}  // namespace
}  // namespace passerelle::io
