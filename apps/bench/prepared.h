// One row ready to run on one problem. What a row does once per shape (weights brought into its own layout, a primitive compiled)
// happens before; what `ref` is compared with is complete after finish().
#pragma once
#include <memory>

namespace kintsugi::bench {

struct Prepared {
  virtual ~Prepared() = default;
  virtual void run() = 0;     // what is timed
  virtual void finish() {}    // results into the problem's arrays, where run() left them elsewhere
};

template <class F>
std::unique_ptr<Prepared> prepared(F f) {
  struct Call : Prepared {
    F f;
    explicit Call(F g) : f(std::move(g)) {}
    void run() override { f(); }
  };
  return std::make_unique<Call>(std::move(f));
}

}  // namespace kintsugi::bench
