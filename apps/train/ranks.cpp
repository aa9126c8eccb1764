#include "apps/train/ranks.h"

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

}  // namespace kintsugi
