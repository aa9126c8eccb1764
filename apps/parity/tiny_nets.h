// The small networks that several golden files share; sizes as in the files' descriptions.
#pragma once
#include "models/codeformer/codeformer.h"
#include "models/vqgan/discriminator.h"

namespace kintsugi::parity {

/// VQAutoEncoder(64, 32, [1,1,2], nearest, 2, [16], 64): the tiny CodeFormer's backbone, and the network that names the clean face's codes.
inline const VqganArgs kTinyBackbone{.img_size = 64, .nf = 32, .ch_mult = {1, 1, 2}, .res_blocks = 2, .codebook_size = 64};
inline const CodeFormerArgs kTinyCodeFormer{
    .backbone = kTinyBackbone, .dim_embd = 32, .n_head = 4, .n_layers = 2, .latent_size = 256, .connect_list = {32, 64},
    .taps = {{64, 2}, {32, 5}}, .sites = {{32, 9}, {64, 12}}};
inline const DiscriminatorArgs kTinyDiscriminator{.nc = 3, .ndf = 8, .n_layers = 4};

}  // namespace kintsugi::parity
