// What the ranks of a run do together. One process is a run of one rank, by the same path.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tensor/communicator.h"

namespace kintsugi {

class Ranks {
 public:
  explicit Ranks(std::shared_ptr<Communicator> communicator) : communicator_(std::move(communicator)) {}

  int rank() const { return communicator_->rank(); }
  int size() const { return communicator_->size(); }
  /// Rank 0 writes files and speaks; the others compute the same and keep quiet.
  bool writes() const { return rank() == 0; }
  const std::shared_ptr<Communicator>& communicator() const { return communicator_; }

  /// Rank 0 does it while the others wait, behind whatever they all did before.
  void first(const std::function<void()>& work) const;
  /// Does one of the ranks say yes?
  bool any(bool mine) const { return communicator_->agree(mine) != 0; }
  /// The mean over ranks, in place: of named numbers, the same names on all of them, or of a tensor.
  void average(std::vector<std::pair<std::string, double>>& values) const;
  void average(Tensor& t) const;
  /// Rank 0's numbers, then rank 1's, and so on.
  std::vector<int64_t> gather(const std::vector<int64_t>& mine) const;

 private:
  std::shared_ptr<Communicator> communicator_;
};

}  // namespace kintsugi
