// The layers of a drawn face, in the order they are painted.
#pragma once
#include "data/faces/anatomy.h"
#include "data/faces/canvas.h"
#include "data/faces/light.h"
#include "data/faces/relief.h"

namespace kintsugi::faces {

struct Scene {
  const Person& person;
  const Look& look;
  const Anatomy& anatomy;
  const Light& light;
  Canvas& canvas;
};

void paint_backdrop(const Scene& scene);
void paint_back_hair(const Scene& scene);
void paint_neck_and_cloth(const Scene& scene);
void paint_ears(const Scene& scene);
void paint_head(const Scene& scene, const Relief& relief);
void paint_eyes(const Scene& scene);
void paint_nostrils(const Scene& scene);
void paint_mouth(const Scene& scene);
void paint_brows(const Scene& scene);
void paint_beard(const Scene& scene);
void paint_hair(const Scene& scene);
void paint_hat(const Scene& scene);
void paint_jewellery(const Scene& scene);
void paint_glasses(const Scene& scene);

}  // namespace kintsugi::faces
