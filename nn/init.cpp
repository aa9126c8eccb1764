#include "nn/init.h"

#include "tensor/random.h"

namespace kintsugi {

Tensor Init::make(Shape shape, uint64_t seed, std::string_view name, DType dtype) const {
  switch (kind) {
    case Kind::uniform:
      return random_uniform(shape, a, b, seed, text("init/", name), 0, dtype);
    case Kind::normal:
      return random_normal(shape, a, b, seed, text("init/", name), 0, dtype);
    case Kind::constant:
      break;
  }
  return Tensor::full(shape, a, dtype);
}

}  // namespace kintsugi
