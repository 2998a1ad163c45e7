/**
 * mien.h - the public interface: open a device, load or train a network, predict
 *
 * Every function that can fail returns an enum mien_status and takes a struct mien_error that may
 * be NULL.  Nothing here prints, exits or keeps global state, but that CLBlast keeps its parameters
 * for a device and process.  A device and all that was made with it belong to one thread at a time.
 *
 * A pointer must not be NULL unless its description says that it may.  Texts are UTF-8, but for
 * names of files, which are bytes as the system has them; texts and arrays that go in are copied,
 * unless they are said to be borrowed.
 *
 * A struct ..._options may grow at its end: start from zeros ({ 0 } or named members), which stand
 * for the defaults.  That keeps sources compatible, not binaries: the shared library has another
 * name then (libmien.so.0.2 after libmien.so.0.1), and programs are compiled again.
 *
 * docs/library.md has a guide, docs/examples/ has whole programs.
 */
#ifndef MIEN_H
#define MIEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define MIEN_CHECK_RESULT      __attribute__((warn_unused_result))
#define MIEN_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#else
#define MIEN_CHECK_RESULT
#define MIEN_PRINTF(fmt, args)
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* Outcomes */

/** What went wrong, for programs.  Zero is success; the text is in mien_error. */
enum mien_status {
    MIEN_OK = 0,
    MIEN_ERR_MEMORY = -1,     /**< host or device allocation refused */
    MIEN_ERR_SHAPE = -2,      /**< tensor shapes do not fit together */
    MIEN_ERR_FORMAT = -3,     /**< a file or a text is damaged or not of the stated kind */
    MIEN_ERR_NO_DEVICE = -4,  /**< there is no OpenCL device to use, or none of that name */
    MIEN_ERR_CL = -5,         /**< an OpenCL call failed; text names the call */
    MIEN_ERR_IO = -6,         /**< the operating system refused to read or write a file */
    MIEN_ERR_USAGE = -7,      /**< an argument is outside of what the function takes */
    MIEN_ERR_NOT_FINITE = -8, /**< a loss, gradient, weight or output is NaN or infinite */
    /** stopped on request: of the program's own work; a run that stop() ends is no failure, see
     * MIEN_RUN_INTERRUPTED */
    MIEN_ERR_INTERRUPTED = -9,
};

/**
 * What went wrong, for people.  Plain data: no allocation, no ownership, safe
 * to keep on the stack, one per thread.  Empty text means no failure.
 */
struct mien_error {
    char text[1024];
};

/** Short constant name of a status, for example "MIEN_ERR_SHAPE". */
const char *mien_status_name(enum mien_status status);

/** The library's version, for example "0.1.0". */
const char *mien_version(void);

/** Where notices go.  A NULL pointer to this struct, or NULL in it, drops them. */
struct mien_log {
    /** One finished line without its newline, for example "compiling 12 kernels, once". */
    void (*line)(void *user, const char *text);
    /** `done` of `total` of a long task named `what`; called from the calling thread only. */
    void (*progress)(void *user, const char *what, size_t done, size_t total);
    void *user; /**< handed to both */
};

/* Devices */

enum mien_device_kind { MIEN_DEVICE_GPU, MIEN_DEVICE_CPU, MIEN_DEVICE_ACCELERATOR };

/** "gpu", "cpu", "accelerator". */
const char *mien_device_kind_name(enum mien_device_kind kind);

/** What a device says of itself. */
struct mien_device_about {
    char id[32]; /**< "P:D": platform and device as they are numbered here */
    enum mien_device_kind kind;
    const char *name, *vendor, *platform, *driver;
    const char *version; /**< "OpenCL 3.0 ..." */
    uint64_t memory_bytes;
    uint64_t max_buffer_bytes; /**< the most that one allocation can have */
    unsigned compute_units;
    bool usable; /**< available, with a compiler, of OpenCL 1.2 or later, with buffers that mien can
                      divide */
};

/** Every OpenCL device of the machine. */
struct mien_devices;

/**
 * List every device of every platform, in the order of the platforms.
 *
 * Ownership  *out is the caller's, release with mien_devices_destroy(); NULL on error
 * Errors     MIEN_ERR_NO_DEVICE: there is none; MIEN_ERR_MEMORY
 */
MIEN_CHECK_RESULT
enum mien_status mien_devices_create(struct mien_devices **out, struct mien_error *err);
void mien_devices_destroy(struct mien_devices *devices); /* NULL is allowed */

size_t mien_devices_count(const struct mien_devices *devices);
/** Device `index` of the list, borrowed from it. */
const struct mien_device_about *mien_devices_at(const struct mien_devices *devices, size_t index);

enum { MIEN_REASON_BYTES = 256 };

/**
 * Say which device mien_device_open() would take, and why.
 *
 * wanted  as in struct mien_device_options, but NULL is "auto"
 * Result  *out is an index into the list; `reason` (may be NULL) one line, for example "the only
 *         device"
 * Errors  as mien_device_open()
 */
MIEN_CHECK_RESULT
enum mien_status mien_devices_choose(size_t *out, char reason[MIEN_REASON_BYTES],
                                     const struct mien_devices *devices, const char *wanted,
                                     struct mien_error *err);

/** An open device. */
struct mien_device;

struct mien_device_options {
    /** "auto" (GPU before accelerator before CPU, then memory, then compute units), "gpu", "cpu",
     * "accelerator", "P:D", or a part of the name in any case; NULL: $MIEN_DEVICE, else "auto" */
    const char *name;
    const char *cache; /**< folder for compiled kernels; NULL: the user's; "": none is kept */
    const struct mien_log *log; /**< copied; what `user` points to must outlive the device; may be
                                     NULL */
};

/**
 * Open a device.  Kernels are compiled when they are first needed.
 *
 * options    may be NULL
 * Ownership  *out is the caller's, release with mien_device_close(); NULL on error
 * Errors     MIEN_ERR_NO_DEVICE: nothing fits the name, the text lists what there is
 *            MIEN_ERR_USAGE: the name fits devices of different names; MIEN_ERR_CL, MIEN_ERR_MEMORY
 */
MIEN_CHECK_RESULT
enum mien_status mien_device_open(struct mien_device **out,
                                  const struct mien_device_options *options,
                                  struct mien_error *err);
/** Networks keep their device: it is released with the last of them. */
void mien_device_close(struct mien_device *device); /* NULL is allowed */

/** Borrowed from the device. */
const struct mien_device_about *mien_device_describe(const struct mien_device *device);

/* Recipes */

/** What a network is and how it is trained; docs/recipes.md has the grammar. */
struct mien_recipe;

/**
 * Read a recipe file, with `settings` ("train.optimizer.rate=0.05", in order) put over its values.
 *
 * settings   may be NULL where setting_count is 0
 * Ownership  *out is the caller's, release with mien_recipe_destroy(); NULL on error
 * Errors     MIEN_ERR_IO, MIEN_ERR_MEMORY; MIEN_ERR_FORMAT: file, line, what it got and what it
 *            wanted; MIEN_ERR_USAGE: a setting
 */
MIEN_CHECK_RESULT
enum mien_status mien_recipe_load(struct mien_recipe **out, const char *path,
                                  const char *const *settings, size_t setting_count,
                                  struct mien_error *err);

/** The same from text of so many bytes; `where` is what errors call it. */
MIEN_CHECK_RESULT
enum mien_status mien_recipe_parse(struct mien_recipe **out, const char *text, size_t bytes,
                                   const char *where, const char *const *settings,
                                   size_t setting_count, struct mien_error *err);

void mien_recipe_destroy(struct mien_recipe *recipe); /* NULL is allowed */

/* Data */

enum mien_split { MIEN_SPLIT_TRAIN, MIEN_SPLIT_VALIDATION, MIEN_SPLIT_TEST };
enum { MIEN_SPLITS = 3 };

/** "train", "validation", "test". */
const char *mien_split_name(enum mien_split split);

/** Labelled images of one size in host memory. */
struct mien_data;

struct mien_data_options {
    int channels;        /**< 1 (gray) or 3 (RGB); 0: 1 */
    int height, width;   /**< pixels; 0 x 0: the size of the first image */
    double split;        /**< part of the training images, 0 up to below 1, to set aside for
                              validation where the data has no validation split; 0: none */
    uint64_t seed;       /**< draws that part */
    int threads;         /**< for decoding; 0: all cores */
    const char *exclude; /**< file that lists images to leave out (docs/data.md); NULL: none */
    const struct mien_log *log; /**< progress and notices; may be NULL; borrowed for the call */
};

struct mien_net;

/**
 * Options with which images get the size that a recipe, or a network, takes: that of its input with
 * its margin on each side.
 */
struct mien_data_options mien_recipe_data_options(const struct mien_recipe *recipe);
struct mien_data_options mien_net_data_options(const struct mien_net *net);

/**
 * Load a data set of any form: class folders with or without split folders, a fer2013.csv, or a
 * packed .safetensors file; docs/data.md describes them.  A packed file stays mapped until
 * mien_data_destroy(): another one may take its place, as mien_data_pack() does, but it must not be
 * written to or cut short.
 *
 * options    may be NULL
 * Ownership  *out is the caller's, release with mien_data_destroy(); NULL on error
 * Errors     MIEN_ERR_IO, MIEN_ERR_MEMORY; MIEN_ERR_FORMAT: which file, what, what was expected;
 *            MIEN_ERR_USAGE: options
 */
MIEN_CHECK_RESULT
enum mien_status mien_data_load(struct mien_data **out, const char *path,
                                const struct mien_data_options *options, struct mien_error *err);

/** Labelled images in the caller's memory: first those of training, then validation, then test. */
struct mien_data_source {
    const uint8_t *images;      /**< [count][height][width][channels] */
    const int32_t *labels;      /**< [count], index into classes */
    const float *targets;       /**< [count][class_count], what is right for each image: shares of 0
                                     to 1 that sum to 1, for recipes with soft_targets; may be NULL */
    size_t counts[MIEN_SPLITS]; /**< images of each split; their sum is the count above */
    int channels, height, width; /**< 1 (gray) or 3 (RGB); pixels, 1 to 16384 */
    const char *const *classes;  /**< [class_count] names, each once */
    int class_count;             /**< 1 to 10000 */
    double split;                /**< as in struct mien_data_options */
    uint64_t seed;               /**< draws that part */
};

/**
 * Make a data set of images in memory, which are copied.  As with files, test images stand in for
 * validation where there are no others.
 *
 * Ownership  *out is the caller's, release with mien_data_destroy(); NULL on error
 * Errors     MIEN_ERR_USAGE: a count, a size, a name, a label or a share outside of what is said
 * above; MIEN_ERR_MEMORY
 */
MIEN_CHECK_RESULT
enum mien_status mien_data_create(struct mien_data **out, const struct mien_data_source *source,
                                  struct mien_error *err);
void mien_data_destroy(struct mien_data *data); /* NULL is allowed */

/** What is in a data set; what it points to is borrowed from the data set. */
struct mien_data_about {
    size_t count; /**< images in all */
    int channels, height, width;
    const uint8_t *images; /**< [count][height][width][channels] */
    const int32_t *labels; /**< [count], index into classes */
    const float *targets;  /**< [count][class_count], as in struct mien_data_source; NULL where it
                                has none */
    const char *const *names;   /**< [count], path inside the data set, or a CSV file's row, from 0;
                                     NULL where it has none */
    const char *const *classes; /**< [class_count] */
    int class_count;
    struct {
        size_t first, count;
    } splits[MIEN_SPLITS]; /**< which images are whose, by enum mien_split */
    size_t resized;        /**< images that came in another size */
    size_t converted;      /**< images that came in another colour form or depth */
    size_t skipped;        /**< files in class folders that are no images, by name */
    uint64_t fingerprint;  /**< of all of it but the names: same data, same number */
};

/** Borrowed from the data set. */
const struct mien_data_about *mien_data_describe(const struct mien_data *data);

/**
 * Write a data set as one file, which mien_data_load() maps.  `path` may be the file that it was
 * loaded from: that is replaced as a whole.
 *
 * Errors  MIEN_ERR_IO, MIEN_ERR_MEMORY, MIEN_ERR_FORMAT (a class name is not UTF-8); then what was
 *         at `path` is untouched, but where the disk fails at the very end: the text says that the
 *         new file is written and may not survive a power cut
 */
MIEN_CHECK_RESULT
enum mien_status mien_data_pack(const struct mien_data *data, const char *path,
                                struct mien_error *err);

/**
 * Decode one PNG or JPEG file (told by its first bytes) to channels x height x width, uint8.
 *
 * Shapes    pixels [height][width][channels], overwritten
 * Errors    MIEN_ERR_IO, MIEN_ERR_MEMORY, MIEN_ERR_FORMAT (the path is in the text), MIEN_ERR_USAGE
 * Numerics  as mien_data_load(): exact, the same bytes on every machine
 */
MIEN_CHECK_RESULT
enum mien_status mien_image_load(uint8_t *pixels, const char *path, int channels, int height,
                                 int width, struct mien_error *err);

/**
 * The same for a file of so many bytes in memory, as it came over a network or out of an archive;
 * `data` may be NULL where there are none.  Errors say nothing of where it is from.
 */
MIEN_CHECK_RESULT
enum mien_status mien_image_decode(uint8_t *pixels, const uint8_t *data, size_t bytes, int channels,
                                   int height, int width, struct mien_error *err);

/* Networks */

/* A struct mien_net is a network with its weights, its recipe and its classes, for one device. */

/**
 * Read a network from a weights file or a checkpoint that mien wrote.
 *
 * Ownership  *out is the caller's, release with mien_net_destroy(); NULL on error
 * Errors     MIEN_ERR_IO, MIEN_ERR_MEMORY; MIEN_ERR_FORMAT: the path, what is missing or damaged
 */
MIEN_CHECK_RESULT
enum mien_status mien_net_load(struct mien_net **out, struct mien_device *device, const char *path,
                               struct mien_error *err);

/**
 * Make a recipe's network for these classes, with weights drawn by the recipe's seed.
 *
 * Ownership  *out is the caller's, release with mien_net_destroy(); NULL on error
 * Errors     MIEN_ERR_SHAPE: recipe line, layer, what it got and what it wanted; MIEN_ERR_MEMORY;
 *            MIEN_ERR_USAGE: classes, as in struct mien_data_source
 */
MIEN_CHECK_RESULT
enum mien_status mien_net_create(struct mien_net **out, struct mien_device *device,
                                 const struct mien_recipe *recipe, const char *const *classes,
                                 int class_count, struct mien_error *err);
void mien_net_destroy(struct mien_net *net); /* NULL is allowed */

/**
 * Write weights, recipe and classes (safetensors, with PyTorch's names and shapes).
 *
 * Errors  MIEN_ERR_IO, MIEN_ERR_MEMORY; then what was at `path` is untouched, as by
 *         mien_data_pack()
 */
MIEN_CHECK_RESULT
enum mien_status mien_net_save(const struct mien_net *net, const char *path,
                               struct mien_error *err);

/**
 * Take the weights of any safetensors file, mien's or not, F32, F16 or BF16 in PyTorch's shapes.
 * Where every parameter is there under its own name, these are taken, whatever else there is.
 * Otherwise layers are matched in the order of their names, numbers in them as numbers: each of the
 * network gets the first one left of its kind and shapes, and none may be left over.
 *
 * Errors  MIEN_ERR_IO, MIEN_ERR_MEMORY; MIEN_ERR_FORMAT: a tensor is missing, left over, or of
 *         another shape or type.  The network is then as it was
 */
MIEN_CHECK_RESULT
enum mien_status mien_net_take_weights(struct mien_net *net, const char *path,
                                       struct mien_error *err);

/**
 * Put settings ("train.epochs=20") over the network's recipe; its input and layers stay.
 *
 * Errors  MIEN_ERR_USAGE, MIEN_ERR_FORMAT, MIEN_ERR_MEMORY; the recipe is then as it was
 */
MIEN_CHECK_RESULT
enum mien_status mien_net_set(struct mien_net *net, const char *const *settings,
                              size_t setting_count, struct mien_error *err);

/** What a network is; what it points to is borrowed until the network changes or is destroyed. */
struct mien_net_about {
    const char *name;            /**< the recipe's */
    int channels, height, width; /**< of an image, with the margin that the recipe has around it */
    const char *const *classes;  /**< [class_count], in the order of the probabilities */
    int class_count;
    size_t parameters; /**< trainable numbers */
    int batch;         /**< images of a step */
    int epochs;        /**< of a training run, at most */
};

/** Borrowed from the network. */
const struct mien_net_about *mien_net_describe(const struct mien_net *net);

/**
 * Have several views of each image looked at, and their logits averaged, in all predictions and
 * evaluations to come: 1, the middle, as at first; 2, also mirrored; 10, the middle and the four
 * corners of the image with the recipe's margin, and all of them mirrored.
 *
 * Errors  MIEN_ERR_USAGE: another number, or 10 without a margin; the views are then as they were
 */
MIEN_CHECK_RESULT
enum mien_status mien_net_set_views(struct mien_net *net, int views, struct mien_error *err);

/**
 * Tell the classes of images; waits for the device.
 *
 * Shapes    probabilities [count][class_count] float32, overwritten, each row sums to 1;
 *           images [count][height][width][channels] uint8 of the size in struct mien_net_about
 * Errors    MIEN_ERR_MEMORY: also the device's, with what the network wants and what there is;
 *           MIEN_ERR_CL; MIEN_ERR_SHAPE: a tensor of the network is larger than any device takes;
 *           MIEN_ERR_NOT_FINITE: the network's weights give no number, by the image's index
 * Numerics  an image's row does not depend on what else is predicted with it, within 1e-5
 */
MIEN_CHECK_RESULT
enum mien_status mien_net_predict(float *probabilities, struct mien_net *net, const uint8_t *images,
                                  size_t count, struct mien_error *err);

/** The same for one PNG or JPEG file of any size.  Errors  also as mien_image_load() */
MIEN_CHECK_RESULT
enum mien_status mien_net_predict_file(float *probabilities, struct mien_net *net, const char *path,
                                       struct mien_error *err);

/** How good a network is on a split. */
struct mien_evaluation {
    size_t images;
    double accuracy; /**< 0 to 1 */
    double loss;     /**< mean cross-entropy, in nats */
    double macro_f1; /**< mean of the classes' F1 over the classes that occur */
    double top2;     /**< part of the images with the label among the two most probable classes */
    double ece;      /**< expected calibration error, 15 bins */
};

/**
 * Run a split of a data set through a network.  Classes go by their names; the data may lack some.
 *
 * Shapes  confusion [class_count][class_count]: [what images are][what they were taken for], in the
 *         network's classes, overwritten; or NULL
 * Errors  MIEN_ERR_USAGE: `split` is none
 *         MIEN_ERR_FORMAT: the split is empty, or a class that the network does not know
 *         MIEN_ERR_SHAPE: images that are not of the size in struct mien_net_about, or a tensor
 *         larger than any device takes
 *         MIEN_ERR_NOT_FINITE: the network's weights give no number for some image
 *         MIEN_ERR_MEMORY: also the device's; MIEN_ERR_CL.  *out and confusion are untouched
 */
MIEN_CHECK_RESULT
enum mien_status mien_net_evaluate(struct mien_evaluation *out, size_t *confusion,
                                   struct mien_net *net, const struct mien_data *data,
                                   enum mien_split split, struct mien_error *err);

/* Training */

/** How the epoch under way is going; handed out a few times a second. */
struct mien_run_progress {
    int epoch, epochs; /**< from 1; at most */
    size_t images, image_count;
    double loss, accuracy, images_per_s; /**< over the epoch so far */
};

/** What an epoch came to. */
struct mien_epoch {
    int epoch;                         /**< from 1 */
    double train_loss, train_accuracy; /**< means over the epoch's steps, each before its update */
    bool validated;                    /**< the data has a validation split */
    double validation_loss, validation_accuracy;
    double rate;         /**< of the epoch's last step */
    double images_per_s; /**< of the training steps */
    double seconds;      /**< training and validation */
};

/** Why a run ended. */
enum mien_run_end {
    MIEN_RUN_ALL_EPOCHS,
    MIEN_RUN_ACCURACY, /**< the recipe's stop_at_train_accuracy */
    MIEN_RUN_MAX_STEPS,
    MIEN_RUN_INTERRUPTED, /**< stop() said so; saved, can go on */
    /** the end of a part of a run, which can go on: mien sweep makes them, mien_net_train() none */
    MIEN_RUN_MAX_EPOCHS,
};

/** "all epochs done" and so on. */
const char *mien_run_end_text(enum mien_run_end end);

struct mien_run_result {
    enum mien_run_end end;
    int epochs; /**< completed */
    int best_epoch;
    double best_accuracy; /**< validation, or training where there is no validation split */
    size_t peak_bytes;    /**< most device memory in use at once while the run went on */
    double seconds;
};

struct mien_train_options {
    const char *folder;  /**< for the run; made where it is missing; must be given */
    bool resume;         /**< go on from folder/last.safetensors */
    bool in_order;       /**< take the images in their order in every epoch, not shuffled */
    bool log_steps;      /**< write the loss of each step to steps.csv; waits for every step */
    size_t max_steps;    /**< end after this many steps of this call; 0: no limit */
    int keep_every;      /**< also keep the weights of every Nth epoch; 0: none */
    size_t device_bytes; /**< most that the images may take on the device, else they stay on the
                              host; 0: half of its memory, less what the
                              network takes */
    const char *note;    /**< what run.json keeps as the command; may be NULL */
    const char *source;  /**< what run.json keeps as the data's path; may be NULL */

    /* All may be NULL; called from the calling thread. */
    bool (*stop)(void *user); /**< asked after each step; true: save and return */
    void (*progress)(void *user, const struct mien_run_progress *progress);
    void (*epoch)(void *user, const struct mien_epoch *epoch, bool best);
    void *user; /**< handed to all three */
};

/**
 * Train a network on a data set by its recipe, into a run folder: recipe.yaml, history.csv,
 * last.safetensors, best.safetensors, run.json.  Afterwards the network has the last weights;
 * best.safetensors has the best.
 *
 * out     may be NULL.  A run that stop() ended is no failure: out->end is MIEN_RUN_INTERRUPTED
 * resume  the network must have the recipe of the run, as mien_net_load() of its last.safetensors
 *         has; weights and position come from that file
 * Errors  MIEN_ERR_USAGE: no folder, keep_every below 0; a run that stopped inside of an epoch,
 *         with another batch, accumulate or order of the images than it began that epoch with
 *         MIEN_ERR_SHAPE: images that are not of the size in struct mien_net_about
 *         MIEN_ERR_IO: the folder cannot be written, or holds a run and `resume` is false
 *         MIEN_ERR_FORMAT: no training images, a class that the network does not know; the
 *         checkpoint is damaged or of other data
 *         MIEN_ERR_NOT_FINITE: the loss, a gradient or a weight; the checkpoint of the epoch
 *         before stays
 *         MIEN_ERR_MEMORY, MIEN_ERR_CL
 *         *out is then untouched, and the network has the weights of the last checkpoint, or those
 *         that it came with
 * Numerics  the same bits for the same device, driver, data, recipe and seed, also when the run was
 *           interrupted and went on
 */
MIEN_CHECK_RESULT
enum mien_status mien_net_train(struct mien_run_result *out, struct mien_net *net,
                                const struct mien_data *data,
                                const struct mien_train_options *options, struct mien_error *err);

#ifdef __cplusplus
}
#endif

#endif
