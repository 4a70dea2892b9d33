"""Figures of well-known devices. The sources stand beside them, and docs/guide/machines.md shows both as a table.

Rates are peaks of dense matrix products (without sparsity, accumulated in fp32 where a data sheet tells). The bandwidth
between stages is that of a device's own link, in one direction: a PCIe 3.0 or 4.0 slot of 16 lanes moves 15.75 or
31.5 GB/s after 128b/130b coding.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_PCIE_3 = 15.75e9
_PCIE_4 = 31.5e9

PRESETS: Mapping[str, Mapping[str, Any]] = {
    # The device of this project's benchmarks, whatever the type of number. It is no product.
    "testbed": {"flops": 50e12, "memory_bandwidth": 1e12, "bandwidth": 64e9},
    # NVIDIA A100 80GB SXM datasheet: FP64 tensor 19.5, FP32 19.5, TF32 156, BF16 and FP16 312 TFLOPS, INT8 624 TOPS,
    # 2,039 GB/s HBM2e, 80 GB; NVLink 3 moves 600 GB/s in both directions together, so 300 GB/s in one.
    "a100": {
        "flops": {"fp64": 19.5e12, "fp32": 19.5e12, "tf32": 156e12, "bf16": 312e12, "fp16": 312e12, "int8": 624e12},
        "memory_bandwidth": 2.039e12,
        "bandwidth": 300e9,
        "memory_limit": 80_000_000_000,
    },
    # NVIDIA H100 SXM datasheet: FP64 tensor and FP32 67 TFLOPS; with sparsity, which doubles, TF32 989, BF16 and FP16
    # 1,979, FP8 and INT8 3,958; 3.35 TB/s HBM3, 80 GB; NVLink 4 moves 900 GB/s both ways.
    "h100": {
        "flops": {
            "fp64": 67e12,
            "fp32": 67e12,
            "tf32": 494.5e12,
            "bf16": 989e12,
            "fp16": 989e12,
            "fp8": 1979e12,
            "int8": 1979e12,
        },
        "memory_bandwidth": 3.35e12,
        "bandwidth": 450e9,
        "memory_limit": 80_000_000_000,
    },
    # AMD Instinct MI300X data sheet: matrix FP64 and FP32 163.4, TF32 653.7, FP16 and BF16 1,307.4, FP8 2,614.9 TFLOPS,
    # INT8 2,614.9 TOPS, 5.3 TB/s HBM3, 192 GB; 7 Infinity Fabric links of 128 GB/s both ways are 448 GB/s in one.
    "mi300x": {
        "flops": {
            "fp64": 163.4e12,
            "fp32": 163.4e12,
            "tf32": 653.7e12,
            "bf16": 1307.4e12,
            "fp16": 1307.4e12,
            "fp8": 2614.9e12,
            "int8": 2614.9e12,
        },
        "memory_bandwidth": 5.3e12,
        "bandwidth": 448e9,
        "memory_limit": 192_000_000_000,
    },
    # NVIDIA L40S datasheet: FP32 91.6, TF32 183, BF16 and FP16 362.05, FP8 733 TFLOPS, INT8 733 TOPS, 864 GB/s, 48 GB,
    # PCIe 4.0 x16. FP64 runs at 1/64 of FP32 (NVIDIA Ada GPU architecture whitepaper).
    "l40s": {
        "flops": {
            "fp64": 91.6e12 / 64,
            "fp32": 91.6e12,
            "tf32": 183e12,
            "bf16": 362.05e12,
            "fp16": 362.05e12,
            "fp8": 733e12,
            "int8": 733e12,
        },
        "memory_bandwidth": 864e9,
        "bandwidth": _PCIE_4,
        "memory_limit": 48_000_000_000,
    },
    # NVIDIA L4 datasheet: FP32 30.3 TFLOPS; with sparsity, which doubles, TF32 120, BF16 and FP16 242, FP8 and INT8
    # 485; 300 GB/s, 24 GB, PCIe 4.0 x16. FP64 as of the L40S.
    "l4": {
        "flops": {
            "fp64": 30.3e12 / 64,
            "fp32": 30.3e12,
            "tf32": 60e12,
            "bf16": 121e12,
            "fp16": 121e12,
            "fp8": 242.5e12,
            "int8": 242.5e12,
        },
        "memory_bandwidth": 300e9,
        "bandwidth": _PCIE_4,
        "memory_limit": 24_000_000_000,
    },
    # NVIDIA A10G datasheet (of Amazon EC2 G5): FP32 and TF32 35, BF16 and FP16 70 TFLOPS, INT8 140 TOPS, 600 GB/s,
    # 24 GB, PCIe 4.0 x16. FP64 runs at 1/64 of FP32 (NVIDIA GA102 architecture whitepaper).
    "a10g": {
        "flops": {"fp64": 35e12 / 64, "fp32": 35e12, "tf32": 35e12, "bf16": 70e12, "fp16": 70e12, "int8": 140e12},
        "memory_bandwidth": 600e9,
        "bandwidth": _PCIE_4,
        "memory_limit": 24_000_000_000,
    },
    # NVIDIA T4 datasheet: FP32 8.1, FP16 65 TFLOPS, INT8 130 TOPS, INT4 260 TOPS, 320 GB/s, 16 GB, PCIe 3.0 x16. FP64
    # runs at 1/32 of FP32 (NVIDIA Turing architecture whitepaper). There is no BF16: it runs as FP32.
    "t4": {
        "flops": {"fp64": 8.1e12 / 32, "fp32": 8.1e12, "fp16": 65e12, "int8": 130e12, "int4": 260e12},
        "memory_bandwidth": 320e9,
        "bandwidth": _PCIE_3,
        "memory_limit": 16_000_000_000,
    },
    # NVIDIA Ada GPU architecture whitepaper, appendix A: FP32 82.6; tensor cores, accumulated in FP32: TF32 82.6, BF16
    # and FP16 165.2, FP8 330.3 TFLOPS; INT8 660.6 TOPS; FP64 at 1/64 of FP32; 1,008 GB/s, 24 GB, PCIe 4.0 x16.
    "rtx4090": {
        "flops": {
            "fp64": 82.6e12 / 64,
            "fp32": 82.6e12,
            "tf32": 82.6e12,
            "bf16": 165.2e12,
            "fp16": 165.2e12,
            "fp8": 330.3e12,
            "int8": 660.6e12,
        },
        "memory_bandwidth": 1.008e12,
        "bandwidth": _PCIE_4,
        "memory_limit": 24_000_000_000,
    },
    # NVIDIA GA102 architecture whitepaper, appendix A: FP32 35.6; tensor cores, accumulated in FP32: TF32 35.6, BF16
    # and FP16 71 TFLOPS; INT8 284 TOPS; FP64 at 1/64 of FP32; 936 GB/s, 24 GB, PCIe 4.0 x16. NVLink joins two cards.
    "rtx3090": {
        "flops": {"fp64": 35.6e12 / 64, "fp32": 35.6e12, "tf32": 35.6e12, "bf16": 71e12, "fp16": 71e12, "int8": 284e12},
        "memory_bandwidth": 936e9,
        "bandwidth": _PCIE_4,
        "memory_limit": 24_000_000_000,
    },
    # NVIDIA Jetson AGX Orin technical brief, module of 64 GB: GPU of 2,048 CUDA and 64 tensor cores at 1.3 GHz, FP32
    # 5.3 TFLOPS, sparse INT8 170 TOPS, so 85 dense; 204.8 GB/s, 64 GB shared with the CPU; its kit has 10 Gb/s
    # Ethernet. BF16 and FP16 are not published: half of INT8, as on all tensor cores of Ampere.
    "orin-agx": {
        "flops": {"fp32": 5.3e12, "bf16": 42.5e12, "fp16": 42.5e12, "int8": 85e12},
        "memory_bandwidth": 204.8e9,
        "bandwidth": 1.25e9,
        "memory_limit": 64_000_000_000,
    },
    # NVIDIA Jetson Orin Nano datasheet, module of 8 GB: 1,024 CUDA and 32 tensor cores at 625 MHz, sparse INT8 40 TOPS,
    # so 20 dense; 68 GB/s, 8 GB shared with the CPU; its kit has 1 Gb/s Ethernet. FP32 is 2 operations per
    # core and cycle; BF16 and FP16 as of the AGX Orin.
    "orin-nano": {
        "flops": {"fp32": 1.28e12, "bf16": 10e12, "fp16": 10e12, "int8": 20e12},
        "memory_bandwidth": 68e9,
        "bandwidth": 125e6,
        "memory_limit": 8_000_000_000,
    },
    # Google Cloud, "TPU v4": 275 TFLOPS bf16 or int8, 32 GiB HBM2, 1,200 GB/s; Jouppi et al., ISCA 2023: 6 links of
    # 50 GB/s. XLA multiplies float32 in bf16 unless told otherwise, so there is no other rate.
    "tpu-v4": {
        "flops": {"bf16": 275e12, "int8": 275e12},
        "memory_bandwidth": 1.2e12,
        "bandwidth": 300e9,
        "memory_limit": 32 * 2**30,
    },
    # Google Cloud, "TPU v5e": 197 TFLOPS bf16, 393 TOPS int8, 16 GB HBM2, 819 GB/s; links of 400 GB/s both ways.
    "tpu-v5e": {
        "flops": {"bf16": 197e12, "int8": 393e12},
        "memory_bandwidth": 819e9,
        "bandwidth": 200e9,
        "memory_limit": 16_000_000_000,
    },
    # Apple, "Introducing M1 Pro and M1 Max": 10.4 TFLOPS of the GPU of 32 cores, 400 GB/s, 64 GB; Thunderbolt 4,
    # 40 Gb/s in each direction. The GPU has one rate for floats of 32 and of 16 bits.
    "m1-max": {"flops": 10.4e12, "memory_bandwidth": 400e9, "bandwidth": 5e9, "memory_limit": 64_000_000_000},
    # Apple, MacBook Pro technical specifications: 38 cores, 400 GB/s, 96 GB, Thunderbolt 4. The rate is not published:
    # 38 cores of 128 lanes, 2 operations per cycle at the 1.398 GHz that tools read out.
    "m2-max": {"flops": 13.6e12, "memory_bandwidth": 400e9, "bandwidth": 5e9, "memory_limit": 96_000_000_000},
    # The same source: 40 cores, 400 GB/s, 128 GB, Thunderbolt 4; rate as of the M2 Max.
    "m3-max": {"flops": 14.3e12, "memory_bandwidth": 400e9, "bandwidth": 5e9, "memory_limit": 128_000_000_000},
    # The same source: 40 cores, 546 GB/s, 128 GB, Thunderbolt 5, 80 Gb/s in each direction; rate as of the M2 Max, at
    # 1.578 GHz.
    "m4-max": {"flops": 16.2e12, "memory_bandwidth": 546e9, "bandwidth": 10e9, "memory_limit": 128_000_000_000},
    # AMD EPYC 9654 product page: 96 cores, 2.4 GHz base clock, 460.8 GB/s per socket. The rate is not published: two
    # FMA units of 256 bits a core (AMD, "Software optimization guide for Zen 4") are 32 FP32 or 16 FP64 operations per
    # cycle. Its stages share the host's own memory, so the bandwidth between them is the memory's.
    "epyc-9654": {
        "flops": {"fp64": 3.6864e12, "fp32": 7.3728e12},
        "memory_bandwidth": 460.8e9,
        "bandwidth": 460.8e9,
    },
    # AMD Ryzen 9 7950X product page: 16 cores, 4.5 GHz base clock, two channels of DDR5-5200, which is 83.2 GB/s. Rate
    # and bandwidth as of the EPYC.
    "ryzen-7950x": {
        "flops": {"fp64": 1.152e12, "fp32": 2.304e12},
        "memory_bandwidth": 83.2e9,
        "bandwidth": 83.2e9,
    },
    # Coral Edge TPU, M.2 datasheet: 4 TOPS int8, PCIe Gen2 x1 (500 MB/s after 8b/10b coding), which also streams in
    # the parameters that do not fit the 8 MB on chip (coral.ai, "Edge TPU compiler": about 8 MB of SRAM). On-chip
    # bandwidth is not published: 4 TOPS from an array of 64 x 64 multipliers (Boroumand et al., PACT 2021) is a clock
    # of 488 MHz, at which one byte for each of 64 rows is 31.25 GB/s.
    "edgetpu": {
        "flops": 4e12,
        "memory_bandwidth": 31.25e9,
        "bandwidth": 500e6,
        "memory": 8 * 2**20,
        "overflow_bandwidth": 500e6,
    },
}
"""Figures by name."""
