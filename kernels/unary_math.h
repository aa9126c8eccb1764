// f, f' and f'' of every UnaryOp, written once over a policy M that supplies the number type V (a double or a register of
// floats), its scalar S and the elementary functions (constexpr so that GPU kernels may call it). Formulas are chosen so that no intermediate overflows where the
// result does not: exponentials are taken of -|x|, and 1 - tanh^2 and s (1 - s) come from e / (1 + e)^2 instead of a
// difference that cancels.
//
// Conventions at kinks: relu'(0) = 0, abs'(0) = 0, leaky_relu'(0) = slope, clamp' = 1 on both ends.
#pragma once
#include "kernels/unary_op.h"

namespace kintsugi {

template <class M>
struct UnaryMath {
  using V = typename M::V;
  using S = typename M::S;
  static constexpr V k(double c) { return V{} + S(c); }

  struct Params {
    S a, b;
  };

  // Pieces of the logistic function, from one exponential e = exp(-|x|).
  struct Logistic {
    V s, ds, dds;  // s, s', s''
    constexpr explicit Logistic(V x) {
      const V e = M::exp(-M::abs(x)), d = S(1) / (S(1) + e);
      s = x < V{} ? e * d : d;
      ds = e * d * d;
      const V t = (S(1) - e) * d;            // tanh(|x| / 2) = |2 s - 1|
      dds = ds * (x < V{} ? t : -t);
    }
  };
  // Standard normal: cumulative and density.
  static constexpr V normal_cdf(V x) { return S(0.5) * M::one_plus_erf(x * S(0.70710678118654752440)); }
  static constexpr V normal_pdf(V x) { return S(0.39894228040143267794) * M::exp(S(-0.5) * x * x); }

  struct Affine {
    static constexpr V f(V x, Params p) { return x * p.a + p.b; }
    static constexpr V df(V, Params p) { return V{} + p.a; }
    static constexpr V ddf(V, Params) { return V{}; }
  };
  struct Abs {
    static constexpr V f(V x, Params) { return M::abs(x); }
    static constexpr V df(V x, Params) { return x > V{} ? k(1) : (x < V{} ? k(-1) : V{}); }
    static constexpr V ddf(V, Params) { return V{}; }
  };
  struct Square {
    static constexpr V f(V x, Params) { return x * x; }
    static constexpr V df(V x, Params) { return x + x; }
    static constexpr V ddf(V, Params) { return k(2); }
  };
  struct Sqrt {
    static constexpr V f(V x, Params) { return M::sqrt(x); }
    static constexpr V df(V x, Params) { return S(0.5) / M::sqrt(x); }
    static constexpr V ddf(V x, Params) { return S(-0.25) / (x * M::sqrt(x)); }
  };
  struct Rsqrt {
    static constexpr V f(V x, Params) { return S(1) / M::sqrt(x); }
    static constexpr V df(V x, Params) { return S(-0.5) / (x * M::sqrt(x)); }
    static constexpr V ddf(V x, Params) { return S(0.75) / (x * x * M::sqrt(x)); }
  };
  struct Reciprocal {
    static constexpr V f(V x, Params) { return S(1) / x; }
    static constexpr V df(V x, Params) { return S(-1) / (x * x); }
    static constexpr V ddf(V x, Params) { return S(2) / (x * x * x); }
  };
  struct Exp {
    static constexpr V f(V x, Params) { return M::exp(x); }
    static constexpr V df(V x, Params) { return M::exp(x); }
    static constexpr V ddf(V x, Params) { return M::exp(x); }
  };
  struct Log {
    static constexpr V f(V x, Params) { return M::log(x); }
    static constexpr V df(V x, Params) { return S(1) / x; }
    static constexpr V ddf(V x, Params) { return S(-1) / (x * x); }
  };
  struct XLogX {  // 0 at 0, as entropies want it
    static constexpr V f(V x, Params) { return x == V{} ? V{} : x * M::log(x); }
    static constexpr V df(V x, Params) { return M::log(x) + S(1); }
    static constexpr V ddf(V x, Params) { return S(1) / x; }
  };
  struct Sigmoid {
    static constexpr V f(V x, Params) { return Logistic(x).s; }
    static constexpr V df(V x, Params) { return Logistic(x).ds; }
    static constexpr V ddf(V x, Params) { return Logistic(x).dds; }
  };
  struct Tanh {  // tanh(x) = 2 s(2x) - 1
    static constexpr V f(V x, Params) { return M::tanh(x); }
    static constexpr V df(V x, Params) { return S(4) * Logistic(x + x).ds; }
    static constexpr V ddf(V x, Params) { return S(8) * Logistic(x + x).dds; }
  };
  struct Softplus {  // log(1 + e^x) = max(x, 0) + log1p(e^-|x|)
    static constexpr V f(V x, Params) { return (x > V{} ? x : V{}) + M::log1p_unit(M::exp(-M::abs(x))); }
    static constexpr V df(V x, Params) { return Logistic(x).s; }
    static constexpr V ddf(V x, Params) { return Logistic(x).ds; }
  };
  struct Relu {  // written so that a NaN stays one
    static constexpr V f(V x, Params) { return x < V{} ? V{} : x; }
    static constexpr V df(V x, Params) { return x > V{} ? k(1) : V{}; }
    static constexpr V ddf(V, Params) { return V{}; }
  };
  struct LeakyRelu {
    static constexpr V f(V x, Params p) { return x > V{} ? x : x * p.a; }
    static constexpr V df(V x, Params p) { return x > V{} ? k(1) : V{} + p.a; }
    static constexpr V ddf(V, Params) { return V{}; }
  };
  struct Silu {  // x s(x)
    static constexpr V f(V x, Params) { return x * Logistic(x).s; }
    static constexpr V df(V x, Params) {
      const Logistic l(x);
      return l.s + x * l.ds;
    }
    static constexpr V ddf(V x, Params) {
      const Logistic l(x);
      return S(2) * l.ds + x * l.dds;
    }
  };
  struct Gelu {  // x Phi(x)
    static constexpr V f(V x, Params) { return x * normal_cdf(x); }
    static constexpr V df(V x, Params) { return normal_cdf(x) + x * normal_pdf(x); }
    static constexpr V ddf(V x, Params) { return (S(2) - x * x) * normal_pdf(x); }
  };
  struct GeluTanh {  // x s(2u) = x (1 + tanh u) / 2, u = sqrt(2/pi) (x + 0.044715 x^3)
    static constexpr double kRoot = 0.79788456080286535588, kCube = 0.044715;
    static constexpr V twice_u(V x) { return S(2 * kRoot) * x * (S(1) + S(kCube) * x * x); }
    static constexpr V twice_du(V x) { return S(2 * kRoot) * (S(1) + S(3 * kCube) * x * x); }
    static constexpr V f(V x, Params) { return x * Logistic(twice_u(x)).s; }
    static constexpr V df(V x, Params) {
      const Logistic l(twice_u(x));
      return l.s + x * l.ds * twice_du(x);
    }
    static constexpr V ddf(V x, Params) {
      const Logistic l(twice_u(x));
      const V d = twice_du(x);
      return S(2) * l.ds * d + x * (l.dds * d * d + l.ds * (S(12 * kRoot * kCube) * x));
    }
  };
  struct Hardswish {  // x relu6(x + 3) / 6
    static constexpr V f(V x, Params) { return x < k(-3) ? V{} : (x > k(3) ? x : x * (x + S(3)) * S(1.0 / 6)); }
    static constexpr V df(V x, Params) { return x < k(-3) ? V{} : (x > k(3) ? k(1) : x * S(1.0 / 3) + S(0.5)); }
    static constexpr V ddf(V x, Params) { return x < k(-3) ? V{} : (x > k(3) ? V{} : k(1.0 / 3)); }
  };
  struct Clamp {
    static constexpr V f(V x, Params p) { return x < V{} + p.a ? V{} + p.a : (x > V{} + p.b ? V{} + p.b : x); }
    static constexpr V df(V x, Params p) { return x < V{} + p.a ? V{} : (x > V{} + p.b ? V{} : k(1)); }
    static constexpr V ddf(V, Params) { return V{}; }
  };
  // These three exist where M has sin, cos and pow, which the vector policy does not.
  struct Sin {
    static constexpr V f(V x, Params) { return M::sin(x); }
    static constexpr V df(V x, Params) { return M::cos(x); }
    static constexpr V ddf(V x, Params) { return -M::sin(x); }
  };
  struct Cos {
    static constexpr V f(V x, Params) { return M::cos(x); }
    static constexpr V df(V x, Params) { return -M::sin(x); }
    static constexpr V ddf(V x, Params) { return -M::cos(x); }
  };
  struct Pow {  // a factor of 0 wins over an infinite power: x^1 has second derivative 0 at 0
    static constexpr V times(double c, V power) { return c == 0 ? V{} : S(c) * power; }
    static constexpr V f(V x, Params p) { return M::pow(x, p.a); }
    static constexpr V df(V x, Params p) { return times(p.a, M::pow(x, p.a - S(1))); }
    static constexpr V ddf(V x, Params p) { return times(p.a * (p.a - S(1)), M::pow(x, p.a - S(2))); }
  };

  /// Calls use.template operator()<Function>() with the struct of `op`. M::kLibm tells whether sin, cos and pow exist;
  /// where they do not, the caller has ruled them out.
  template <class Use>
  static constexpr void visit(UnaryOp op, Use&& use) {
    switch (op) {
      case UnaryOp::affine: return use.template operator()<Affine>();
      case UnaryOp::abs: return use.template operator()<Abs>();
      case UnaryOp::square: return use.template operator()<Square>();
      case UnaryOp::sqrt: return use.template operator()<Sqrt>();
      case UnaryOp::rsqrt: return use.template operator()<Rsqrt>();
      case UnaryOp::reciprocal: return use.template operator()<Reciprocal>();
      case UnaryOp::exp: return use.template operator()<Exp>();
      case UnaryOp::log: return use.template operator()<Log>();
      case UnaryOp::xlogx: return use.template operator()<XLogX>();
      case UnaryOp::sigmoid: return use.template operator()<Sigmoid>();
      case UnaryOp::tanh: return use.template operator()<Tanh>();
      case UnaryOp::softplus: return use.template operator()<Softplus>();
      case UnaryOp::relu: return use.template operator()<Relu>();
      case UnaryOp::leaky_relu: return use.template operator()<LeakyRelu>();
      case UnaryOp::silu: return use.template operator()<Silu>();
      case UnaryOp::gelu: return use.template operator()<Gelu>();
      case UnaryOp::gelu_tanh: return use.template operator()<GeluTanh>();
      case UnaryOp::hardswish: return use.template operator()<Hardswish>();
      case UnaryOp::clamp: return use.template operator()<Clamp>();
      case UnaryOp::sin:
        if constexpr (M::kLibm) use.template operator()<Sin>();
        return;
      case UnaryOp::cos:
        if constexpr (M::kLibm) use.template operator()<Cos>();
        return;
      case UnaryOp::pow:
        if constexpr (M::kLibm) use.template operator()<Pow>();
        return;
    }
  }
};

}  // namespace kintsugi
