// Performance shapes of the kernel families. A file of apps/bench/families registers what its family is timed on:
//
//   Cost cost(const SoftmaxFwd& a) { return {5.0 * a.rows * a.width, bytes_of(a.dtype, 2 * a.rows * a.width)}; }
//   auto make(int64_t rows, int64_t width) {
//     return [=](Arrays& x) { return SoftmaxFwd{x.normal(rows * width), x.out(rows * width), rows, width, x.dtype()}; };
//   }
//   const BenchRegistration softmax(softmax_fwd, cost, {{"4096x1024", make(4096, 1024), emulated(make(32, 1024))}});
//
// Every row of the family is then checked and timed on every shape. A family without a registration fails the tests.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <type_traits>
#include <vector>

#include "apps/bench/arrays.h"
#include "apps/bench/prepared.h"
#include "kernels/table.h"

namespace kintsugi::bench {

/// What a problem costs at least: FLOPs of its plain form (a multiply and an add are two; an elementary function as many as the family's
/// file says), and bytes when every input is read once and every output written once. From them comes the floor.
struct Cost {
  double flops = 0, bytes = 0;
};
constexpr double bytes_of(DType t, double count) { return double(size_of(t)) * count; }

/// full: what is timed. small: what rows are checked on where `ref` would take too long. tiny: what the emulated GPU is given.
enum class ProblemSize : uint8_t { full, small, tiny };

template <class Make>
struct Emulated {
  Make make;
};
/// Says that a problem is for the emulated GPU, which is a thousand times slower than anything else here.
template <class Make>
Emulated<Make> emulated(Make make) {
  return {std::move(make)};
}

template <class Args>
struct BenchShape {
  using Make = std::function<Args(Arrays&)>;
  std::string name;  // "128->128 3x3 @256"
  Make make;
  Make small;        // the same kind of problem, shrunken: rows are checked on it where `ref` would take too long; or empty
  double tolerance;  // largest difference from `ref` in f32, of its largest element; op cases have the sharp ones
  Make tiny;         // for the emulated GPU; empty: small, or where that is empty too, make

  BenchShape(std::string name, Make make, Make small = Make(), double tolerance = 1e-5, Make tiny = Make())
      : name(std::move(name)), make(std::move(make)), small(std::move(small)), tolerance(tolerance), tiny(std::move(tiny)) {}
  template <class M>
  BenchShape(std::string name, Make make, Emulated<M> e) : BenchShape(std::move(name), std::move(make), {}, 1e-5, std::move(e.make)) {}

  const Make& of(ProblemSize size) const {
    if (size == ProblemSize::tiny && tiny) return tiny;
    return size != ProblemSize::full && small ? small : make;
  }
};

/// A family's shapes and rows without its args type.
struct BenchFamily {
  struct Shape {
    std::string name;
    bool has_small;
    double tolerance;
    std::function<std::shared_ptr<const void>(Arrays&, ProblemSize)> make;
  };
  struct Row {
    std::string name, note;
    DeviceKind where;
    std::function<std::string(const void* args)> refuses;  // "": takes them
    std::function<std::unique_ptr<Prepared>(const Context&, const void* args)> prepare;
  };

  const FamilyInfo* family;
  std::vector<Shape> shapes;
  std::function<Cost(const void* args)> cost;            // args in host memory, unless costs_anywhere
  bool costs_anywhere = true;                            // cost() reads nothing that the args point to
  std::function<std::string(const void* args)> kind;     // what tells problems of one cost apart: "3x3 64->128"; or ""
  std::function<std::vector<Row>()> rows;                // the family's own, in its order

  std::string name() const { return family->name(); }
};

/// Every registered family, sorted by name.
std::vector<BenchFamily> bench_families();
/// Null when no shapes were registered.
const BenchFamily* find_bench(const FamilyInfo& family);

void register_bench(BenchFamily family);

struct BenchRegistration {
  template <class Args>
  BenchRegistration(const Family<Args>& family, Cost (*cost)(const Args&), std::vector<BenchShape<Args>> shapes,
                    std::type_identity_t<std::string (*)(const Args&)> kind = nullptr, bool costs_anywhere = true) {
    const auto of = [](const void* p) -> const Args& { return *static_cast<const Args*>(p); };
    BenchFamily f{&family, {}, [=](const void* a) { return cost(of(a)); }, costs_anywhere,
                  [=](const void* a) { return kind ? kind(of(a)) : std::string(); }, {}};
    for (auto& s : shapes)
      f.shapes.push_back({s.name, bool(s.small), s.tolerance, [s](Arrays& arrays, ProblemSize size) {
                            return std::make_shared<const Args>(s.of(size)(arrays));
                          }});
    // The table is read when asked for: it may not exist yet while statics are made.
    f.rows = [&family, of] {
      std::vector<BenchFamily::Row> rows;
      for (const auto& r : family.rows())
        rows.push_back({r.name, r.note, r.where, [&r, of](const void* a) {
                          const char* why = r.refuses(of(a));
                          return std::string(why ? why : "");
                        },
                        [&r, &family, of](const Context& c, const void* a) {
                          return prepared([&r, &family, c, &args = of(a)] {
                            if (c.device.kind == DeviceKind::cpu) return r.run(c, args);
                            const DeviceCall call(c.device);
                            r.run(c, args);
                            call.check(family.name(), r.name);
                          });
                        }});
      return rows;
    };
    register_bench(std::move(f));
  }
};

}  // namespace kintsugi::bench
