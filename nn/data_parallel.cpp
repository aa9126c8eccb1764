#include "nn/data_parallel.h"

#include <algorithm>

#include "autograd/accumulate.h"
#include "kernels/base/philox.h"

namespace kintsugi {

std::vector<int> bucket_plan(const std::vector<size_t>& bytes, const DataParallelOptions& o) {
  // The first parameters, whose gradients come last, as far as they fit into the last bucket: at least one.
  size_t last = 0;
  for (size_t sum = 0; last < bytes.size() && (last == 0 || sum + bytes[last] <= o.last_bucket_bytes); ++last) sum += bytes[last];
  std::vector<int> plan;
  size_t filled = 0;
  for (size_t i = bytes.size(); i > last; --i) {
    if (plan.empty() || filled >= o.bucket_bytes) plan.push_back(0), filled = 0;
    ++plan.back();
    filled += bytes[i - 1];
  }
  if (last) plan.push_back(int(last));
  return plan;
}

// Shared with the hooks on the parameters, which stay there.
struct DataParallel::State {
  struct Bucket {
    Tensor flat;      // gradients one behind the other, then the presence
    Tensor presence;  // one number a parameter: on how many ranks it has a gradient
    int first = 0, count = 0, ready = 0;  // of `slots`
    Pending pending;
  };
  struct Slot {
    Var var;
    int bucket;
    Tensor place;    // within the bucket, in the parameter's shape
    int passes = 0;  // gradients that have come
    bool filled = false, present = false;
  };

  Communicator& communicator;
  std::vector<Slot> slots;  // in the reverse of the parameters' order
  std::vector<Bucket> buckets;
  int passes = 0;         // of the step under way, 0: none
  size_t started = 0;     // buckets on their way: always the first ones, so that all ranks start them in one order

  explicit State(Communicator& c) : communicator(c) {}

  // A parameter's gradient is whole in this pass. In the last pass it moves into the bucket together with what came before.
  Tensor arrived(size_t i, const Tensor& g) {
    Slot& slot = slots[i];
    if (passes == 0 || ++slot.passes < passes) return {};
    const Tensor before = slot.var.grad();
    slot.var.zero_grad();  // the engine adds what is returned to nothing
    fill(slot, before ? accumulate(Var(before), Var(g)).value() : g);
    start_full_buckets();
    return slot.place;
  }

  void fill(Slot& slot, const Tensor& g) {
    if (g) Tensor(slot.place).copy_(g);
    else Tensor(slot.place).fill_(0);
    slot.filled = true;
    slot.present = bool(g);
    ++buckets[size_t(slot.bucket)].ready;
  }

  void start_full_buckets() {
    for (; started < buckets.size() && buckets[started].ready == buckets[started].count; ++started) {
      Bucket& b = buckets[started];
      std::vector<double> present;
      for (int i = 0; i < b.count; ++i) present.push_back(slots[size_t(b.first + i)].present);
      b.presence.copy_(Tensor::of({b.count}, present));
      b.pending = communicator.start_all_reduce(b.flat);
    }
  }
};

namespace {

// Slots begin at multiples of this, so that kernels find their packed loads.
constexpr int64_t kAlign = 64;
int64_t padded(int64_t n) { return (n + kAlign - 1) / kAlign * kAlign; }

std::string description(const ParameterStore& store, const ParameterList& trainable) {
  std::string s;
  for (const auto& e : store.entries()) s += text(e.name, ' ', e.value(), '\n');
  s += "trainable\n";
  for (const auto& p : trainable) s += p.name + '\n';
  return s;
}

}  // namespace

DataParallel::DataParallel(ParameterStore& store, std::shared_ptr<Communicator> communicator, const DataParallelOptions& options)
    : store_(store), communicator_(std::move(communicator)), state_(std::make_shared<State>(*communicator_)) {
  const ParameterList parameters = store.trainable();
  const auto hash = int64_t(fnv1a64(description(store, parameters)));
  const Tensor hashes = communicator_->all_gather(Tensor::of({1}, std::vector{hash}));
  for (int r = 1; r < communicator_->size(); ++r)
    KIN_CHECK(hashes.item(r) == hashes.item(0), "data_parallel: rank ", r, " has other parameters than rank 0");
  for (const auto& e : store.entries()) communicator_->broadcast(e.value());

  std::vector<size_t> bytes;
  for (const auto& p : parameters) bytes.push_back(p.var.value().bytes());
  size_t next = parameters.size();
  for (const int count : bucket_plan(bytes, options)) {
    int64_t numel = 0;
    for (int i = 0; i < count; ++i) numel += padded(parameters[next - 1 - size_t(i)].var.numel());
    State::Bucket bucket;
    bucket.flat = Tensor::zeros({numel + count}, store.dtype(), store.device());
    bucket.presence = bucket.flat.rows(numel, numel + count);
    bucket.first = int(state_->slots.size());
    bucket.count = count;
    int64_t at = 0;
    for (int i = 0; i < count; ++i) {
      const Var& var = parameters[--next].var;
      KIN_CHECK(var.dtype() == store.dtype(), "data_parallel: ", parameters[next].name, " must be ", store.dtype(), ", got ", var.value());
      state_->slots.push_back({var, int(state_->buckets.size()), bucket.flat.rows(at, at + var.numel()).reshape(var.shape())});
      at += padded(var.numel());
    }
    state_->buckets.push_back(std::move(bucket));
  }
  for (size_t i = 0; i < state_->slots.size(); ++i)
    state_->slots[i].var.on_grad([state = std::weak_ptr<State>(state_), i](const Tensor& g) {
      const auto s = state.lock();
      return s ? s->arrived(i, g) : Tensor();
    });
}

void DataParallel::begin(int passes) {
  KIN_CHECK(passes >= 1, "data_parallel: at least one backward pass is needed, got ", passes);
  // What a step that ended by an error has left.
  for (State::Bucket& b : state_->buckets) b.pending.wait(), b.ready = 0;
  for (State::Slot& s : state_->slots) s.passes = 0, s.filled = false;
  state_->started = 0;
  state_->passes = passes;
}

void DataParallel::finish() {
  State& s = *state_;
  KIN_CHECK(s.passes > 0, "data_parallel: finish without begin");
  s.passes = 0;
  for (State::Slot& slot : s.slots)
    if (!slot.filled) s.fill(slot, slot.var.grad());  // from fewer passes than were announced, or none
  s.start_full_buckets();
  for (State::Bucket& b : s.buckets) {
    b.pending.wait();
    const Tensor presence = b.presence.host();
    for (int i = 0; i < b.count; ++i) {
      const State::Slot& slot = s.slots[size_t(b.first + i)];
      if (presence.item(i) > 0) slot.var.set_grad(slot.place);
      else slot.var.zero_grad();
    }
  }
}

void DataParallel::broadcast_buffers() const {
  for (const auto& e : store_.entries())
    if (e.is_buffer()) communicator_->broadcast(e.buffer);
}

void DataParallel::check_equal() const {
  const Tensor hashes = communicator_->all_gather(Tensor::of({1}, std::vector{int64_t(store_.state_hash())}));
  std::string others;
  for (int r = 1; r < communicator_->size(); ++r)
    if (hashes.item(r) != hashes.item(0)) others += text(others.empty() ? "" : ", ", r);
  KIN_CHECK(others.empty(), "data_parallel: the weights of rank ", others, " are not those of rank 0");
}

int DataParallel::buckets() const { return int(state_->buckets.size()); }

}  // namespace kintsugi
