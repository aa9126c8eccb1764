#include "tensor/communicator.h"

#include <algorithm>
#include <cstring>

namespace kintsugi {

int64_t Communicator::agree(int64_t flag) {
  const Tensor all = all_gather(Tensor::of({1}, std::vector{flag}));
  int64_t most = flag;
  for (const int64_t f : all.span<int64_t>()) most = std::max(most, f);
  return most;
}

std::vector<std::string> Communicator::all_gather(const std::string& mine) {
  const int64_t longest = agree(int64_t(mine.size()));
  Tensor padded = Tensor::zeros({longest + 8}, DType::u8);
  const auto length = uint64_t(mine.size());
  std::memcpy(padded.raw(), &length, 8);
  std::memcpy(padded.data<uint8_t>() + 8, mine.data(), mine.size());
  const Tensor all = all_gather(padded);
  std::vector<std::string> texts;
  for (int r = 0; r < size(); ++r) {
    const uint8_t* row = all.data<uint8_t>() + r * (longest + 8);
    uint64_t n;
    std::memcpy(&n, row, 8);
    texts.emplace_back(reinterpret_cast<const char*>(row) + 8, size_t(n));
  }
  return texts;
}

}  // namespace kintsugi
