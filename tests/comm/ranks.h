// One function on every rank of a row of threads.
#pragma once
#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "tensor/communicator.h"

namespace kintsugi::testing {

/// Runs work(end) on `size` ranks, one thread each, and returns what each threw ("" for nothing). The ends are gone when it returns.
inline std::vector<std::string> on_ranks(int size, const std::function<void(std::shared_ptr<Communicator>)>& work, double time_out = 20) {
  auto ends = local_communicators(size, time_out);
  std::vector<std::string> errors{size_t(size)};
  std::vector<std::thread> threads;
  for (int r = 0; r < size; ++r)
    threads.emplace_back([&, r] {
      const auto mine = std::move(ends[size_t(r)]);
      try {
        work(mine);
      } catch (const std::exception& e) {
        mine->abandon(e.what());
        errors[size_t(r)] = e.what();
      }
    });
  for (std::thread& t : threads) t.join();
  return errors;
}

}  // namespace kintsugi::testing
