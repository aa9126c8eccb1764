// Lattice noise in continuous coordinates: the same surface at every picture size, with the octaves that a pixel cannot
// hold faded out before they alias.
#pragma once
#include <cstdint>

#include "data/faces/maths.h"

namespace kintsugi::faces {

/// Mixes lattice coordinates and a seed into 32 well-spread bits (the seed itself comes from a Philox stream).
inline uint32_t lattice_hash(int x, int y, uint32_t seed) {
  uint32_t h = uint32_t(x) * 0x8da6b343u ^ uint32_t(y) * 0xd8163841u ^ seed;
  h = (h ^ (h >> 15)) * 0x2c1b3c6du;
  h = (h ^ (h >> 12)) * 0x297a2d39u;
  return h ^ (h >> 15);
}
inline float lattice_value(int x, int y, uint32_t seed) { return float(lattice_hash(x, y, seed) >> 8) * 0x1p-23f - 1; }

struct NoiseSample {
  float value, dx, dy;  // value in [-1, 1], derivatives per unit of the lattice
};

/// Value noise with a C1 fade; the lattice step is 1.
inline NoiseSample noise_slope(float x, float y, uint32_t seed) {
  const int i = floor_int(x), j = floor_int(y);
  const float u = x - float(i), v = y - float(j);
  const float a = lattice_value(i, j, seed), b = lattice_value(i + 1, j, seed);
  const float c = lattice_value(i, j + 1, seed), d = lattice_value(i + 1, j + 1, seed);
  const float su = u * u * (3 - 2 * u), sv = v * v * (3 - 2 * v);
  const float top = a + (b - a) * su, low = c + (d - c) * su;
  return {top + (low - top) * sv, mix(b - a, d - c, sv) * 6 * u * (1 - u), (low - top) * 6 * v * (1 - v)};
}
inline float noise(float x, float y, uint32_t seed) { return noise_slope(x, y, seed).value; }

/// How much of a texture of this wavelength a pixel of this footprint may show: all from 4 pixels a wave, none below 2.
inline float band_limit(float wavelength, float footprint) { return clamp01((wavelength / footprint - 2) * 0.5f); }

/// Sum of octaves from `wavelength` down to what the footprint holds, each `gain` times the one before.
inline float fractal(float x, float y, float wavelength, int octaves, float gain, float footprint, uint32_t seed) {
  float sum = 0, amplitude = 1;
  for (int k = 0; k < octaves; ++k, wavelength *= 0.5f, amplitude *= gain) {
    const float shown = band_limit(wavelength, footprint);
    if (shown <= 0) break;
    // A lattice step is half a wave.
    const float f = 2 / wavelength;
    sum += amplitude * shown * noise(x * f, y * f, seed + uint32_t(k) * 0x9e3779b9u);
  }
  return sum;
}

}  // namespace kintsugi::faces
