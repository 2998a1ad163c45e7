/* fuzz_jpeg.c - JPEG files to gray and RGB */
#include "data/image.h"
#include "fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mien_bitmap bitmap;
    struct mien_error err = { "" };
    const enum mien_status st = mien_jpeg_decode(&bitmap, data, size, &err);
    fuzz_outcome(st, bitmap.pixels, &err);
    if (st == MIEN_OK) {
        uint8_t pixels[7 * 5];
        fuzz_expect(bitmap.channels == 1 || bitmap.channels == 3, "an image is gray or RGB");
        fuzz_touch(bitmap.pixels,
                   (size_t)bitmap.channels * (size_t)bitmap.height * (size_t)bitmap.width);
        fuzz_expect(mien_bitmap_fit(pixels, &bitmap, 1, 7, 5, &err) == MIEN_OK,
                    "any image can be resized");
    }
    mien_bitmap_finish(&bitmap);
    return 0;
}
