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
    bool present = false;  // holds a gradient
    bool settled = false;  // nothing more is to come
  };

  Communicator& communicator;
  std::vector<Slot> slots;  // in the reverse of the parameters' order
  std::vector<Bucket> buckets;
  int batches = 0, passes = 1;  // of the step under way, and of each of its micro-batches; no batches: there is none
  size_t started = 0;           // buckets on their way: always the first ones, so that all ranks start them in one order

  explicit State(Communicator& c) : communicator(c) {}

  static Tensor plus(const Tensor& a, const Tensor& b) { return accumulate(Var(a), Var(b)).value(); }

  // A parameter's gradient is whole in this pass. With the last of a micro-batch it is added to what is in the bucket.
  Tensor arrived(size_t i, const Tensor& g) {
    if (batches == 0) return {};
    Slot& slot = slots[i];
    KIN_CHECK(slot.passes < batches * passes, "data_parallel: more than the ", batches * passes, " backward passes that were announced");
    const bool first = slot.passes++ % passes == 0;
    const Tensor before = first ? Tensor() : slot.var.grad();
    slot.var.zero_grad();  // the engine adds what is returned to nothing
    const Tensor sum = before ? plus(before, g) : g;
    if (slot.passes % passes != 0) return sum;
    add(slot, sum);
    if (slot.passes == batches * passes) {
      settle(slot);
      start_full_buckets();
    }
    return slot.place;
  }

  void add(Slot& slot, const Tensor& g) {
    Tensor(slot.place).copy_(slot.present ? plus(slot.place, g) : g);
    slot.present = true;
  }
  void settle(Slot& slot) {
    if (!slot.present) Tensor(slot.place).fill_(0);
    slot.settled = true;
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

void DataParallel::begin(int batches, int passes) {
  KIN_CHECK(batches >= 1 && passes >= 1, "data_parallel: at least one backward pass is needed, got ", batches, " x ", passes);
  // What a step that ended by an error has left.
  for (State::Bucket& b : state_->buckets) b.pending.wait(), b.ready = 0;
  for (State::Slot& s : state_->slots) s.passes = 0, s.present = s.settled = false;
  state_->started = 0;
  state_->batches = batches;
  state_->passes = passes;
}

void DataParallel::finish() {
  State& s = *state_;
  KIN_CHECK(s.batches > 0, "data_parallel: finish without begin");
  s.batches = 0;
  for (State::Slot& slot : s.slots) {
    if (slot.settled) continue;
    // Fewer passes than were announced, or none, had a gradient for it.
    const Tensor g = slot.var.grad();
    if (g && g.raw() != slot.place.raw()) s.add(slot, g);
    s.settle(slot);
  }
  s.start_full_buckets();
  for (State::Bucket& b : s.buckets) {
    b.pending.wait();
    const bool alone = communicator_->size() == 1;  // then this rank knows, and need not wait for its device
    const Tensor presence = alone ? Tensor() : b.presence.host();
    for (int i = 0; i < b.count; ++i) {
      const State::Slot& slot = s.slots[size_t(b.first + i)];
      if (alone ? slot.present : presence.item(i) > 0) slot.var.set_grad(slot.place);
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
