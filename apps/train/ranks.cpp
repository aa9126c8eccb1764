#include "apps/train/ranks.h"

#include <cstring>

#include "autograd/ops/binary.h"

namespace kintsugi {

void Ranks::first(const std::function<void()>& work) const {
  communicator_->barrier();
  if (writes()) work();
  communicator_->barrier();
}

void Ranks::average(std::vector<std::pair<std::string, double>>& values) const {
  if (size() == 1) return;
  std::vector<double> numbers;
  for (const auto& [name, value] : values) numbers.push_back(value);
  const Tensor sums = Tensor::of({int64_t(numbers.size())}, numbers);
  communicator_->all_reduce(sums);
  for (size_t i = 0; i < values.size(); ++i) values[i].second = sums.item(int64_t(i)) / size();
}

void Ranks::average(Tensor& t) const {
  if (size() == 1) return;
  const Tensor sum = t.clone();
  communicator_->all_reduce(sum);
  const NoGrad off;
  t = (Var(sum) * (1.0 / size())).value();
}

std::vector<int64_t> Ranks::gather(const std::vector<int64_t>& mine) const {
  if (size() == 1) return mine;
  std::vector<int64_t> all;
  for (const std::string& bytes : communicator_->all_gather(std::string(reinterpret_cast<const char*>(mine.data()), mine.size() * sizeof(int64_t)))) {
    const size_t before = all.size();
    all.resize(before + bytes.size() / sizeof(int64_t));
    std::memcpy(all.data() + before, bytes.data(), bytes.size());
  }
  return all;
}

}  // namespace kintsugi
