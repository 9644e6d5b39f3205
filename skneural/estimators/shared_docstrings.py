"""What the docstrings of both estimators have in common: the sections on parameters and on fitted attributes."""

from __future__ import annotations

from typing import TypeVar

T = TypeVar("T", bound=type)

PARAMETERS_SECTION = """hidden_layer_sizes : int, array-like of int or "auto", default=(100,)
        Units of each hidden layer. An empty tuple gives a linear model. "auto", which is for tables
        (:func:`skneural.tabular_classifier`), means three layers in a classifier and two in a regressor, of 128 units;
        from 10,000 training rows on, of 192. Rows held out of them count too. Training that goes on, by `partial_fit`
        or `warm_start`, keeps the sizes that it began with.

    activation : str, Activation, or list of them, default="relu"
        Activation of the hidden layers, by name (see :data:`skneural.ACTIVATIONS`) or as an object with
        its settings, such as ``ELU(alpha=0.5)``; a list gives one per hidden layer. An object's settings can be
        searched, as in ``activation__alpha``.

    solver : {"adam", "adamw", "schedule_free_adamw", "sgd", "rmsprop", "adagrad", "lbfgs"}, default="adam"
        The optimisation algorithm: steps on mini-batches, or L-BFGS on all rows at once.

    alpha : float in [0, inf), default=0.0001
        Strength of the penalty alpha · [(1 - l1_ratio) / 2 · ‖W‖² + l1_ratio · ‖W‖₁], which is added to the *mean*
        loss: it depends neither on the batch size nor on the number of rows. Biases and learned slopes are not
        penalised. With solver="adamw" or "schedule_free_adamw" the squared part becomes decoupled weight
        decay.

    l1_ratio : float in [0, 1], default=0.0
        Share of the L1 norm in the penalty.

    max_norm : float in (0, inf) or None, default=None
        Bound on the Euclidean norm of each unit's incoming weights, kept after each step. Not for lbfgs.

    clip_norm : float in (0, inf) or None, default=None
        Bound on the Euclidean norm of each mini-batch's gradient; longer ones are scaled down. Not for lbfgs.

    dropout : float in [0, 1), list of them, one per hidden layer, or "auto", default=0.0
        Probability that training sets a hidden activation to zero, drawn anew for each mini-batch; the others are
        divided by 1 - dropout. Prediction uses all units. "auto", which is for tables, means min(0.1, 3 / √n) with n
        training rows, counted as for `hidden_layer_sizes`; `partial_fit` counts those of each call. Not for lbfgs.

    input_dropout : float in [0, 1), default=0.0
        The same for the input features.

    batch_norm : bool, default=False
        Whether the pre-activations of the hidden layers are normalised by mean and variance of the mini-batch (in
        prediction by running statistics), scaled and shifted by learned parameters. Mini-batches of fewer than 8 rows
        are warned of.

    n_members : int or "auto", default=1
        Networks in an ensemble that shares its weights (Gorishniy et al. 2024, :arxiv:`2410.24210`, "TabM-mini"). All
        members share the hidden layers. Each multiplies the features by learned factors of its own, which start at
        random signs, and has an output layer of its own. Training minimises the mean of the members' losses;
        predictions are means of the members' predictions. A member costs about as much time as a network. "auto" means
        8, from 10,000 training rows on 4, counted as for `hidden_layer_sizes`.

    batch_size : int or "auto", default="auto"
        Rows per mini-batch; "auto" is min(200, n_samples). The last one has what is left; with `batch_norm` all have
        nearly as many, at most `batch_size`. Not used by lbfgs.

    learning_rate : {"constant", "invscaling", "adaptive", "cosine", "one_cycle"}, Schedule or callable, \
default="constant"
        Schedule of the learning rate, for all solvers but lbfgs. "invscaling" divides by (t + 1)^power_t, t the
        number of rows seen; "adaptive" divides by 5 when training stalls; "cosine" and "one_cycle" end after
        `max_iter` epochs. `partial_fit` warns when it continues after the end of a schedule; for streams use "constant"
        or "invscaling". A callable takes a :class:`skneural.solvers.schedules.Progress` and returns a factor on
        `learning_rate_init`, or one per batch.

    learning_rate_init : float in (0, inf), default=0.001
        Initial learning rate; with "one_cycle", the largest.

    power_t : float in [0, inf), default=0.5
        Exponent of learning_rate="invscaling".

    max_iter : int, default=200
        Largest number of epochs (of iterations, for lbfgs).

    shuffle : bool, default=True
        Whether each epoch uses the rows in a new random order.

    random_state : int, RandomState instance or None, default=None
        Determines initial weights, validation split, order of the rows and dropout.

    tol : float in [0, inf), default=0.0001
        Smallest decrease of the loss (increase of the validation score) that counts as progress; for lbfgs the
        largest entry of the gradient at which to stop.

    verbose : bool or int, default=False
        Whether to print a line per epoch, and at the end why training has ended.

    warm_start : bool, default=False
        Whether `fit` continues from the fitted parameters, solver state and random numbers. Each call runs its
        schedule from the beginning and counts anew the epochs without progress; early stopping compares its epochs
        with the parameters that the call begins with. Files hold the solver state only if this is True.

    momentum : float in [0, 1], default=0.9
        Momentum of solver="sgd".

    nesterovs_momentum : bool, default=True
        Whether that momentum is Nesterov's.

    early_stopping : bool or {"refit", "continue", "cross_validation", "auto"}, default=False
        Whether to stop when the score on the validation set no longer improves, and to restore the parameters of the
        best epoch. The validation set is `X_val` of `fit`; without it, `validation_fraction` of the training rows.
        With a name, the network is then trained on all rows, those held out included, unless a callback stopped the
        first training or there is an `X_val`. The fitted attributes are those of this second training.

        - "refit": it is trained anew for as many epochs as the best one's number (Goodfellow, Bengio & Courville 2016,
          section 7.8); a schedule ends with them.
        - "continue": training goes on from the best epoch for half as many epochs (the other way in that section, which
          leaves their number open); a schedule other than "invscaling" begins anew. In the history these epochs replace
          those after the best one, and their validation scores are NaN.
        - "cross_validation": as "refit", but the best epoch is that of 1 / `validation_fraction` networks, at least
          two. Each holds out another part of the rows, and they train side by side, an epoch at a time, until the score
          on all rows, each by the network that holds it out, no longer improves. For few rows, of which a part tells
          too little. Not for solver="lbfgs" and learning_rate="adaptive".
        - "auto": "continue"; but below 1,000 training rows, if the best epoch is in the first third of `max_iter`, and
          so uncertain, "cross_validation" from the beginning, where it can be and `scoring` is None or "loss".

        In `partial_fit`, which needs `X_val`, every call makes its epoch, from the latest parameters; `parameters_` are
        those of the call with the best score on this validation set. Another validation set starts a new comparison.

    scoring : str, callable or None, default=None
        The score on the validation set: a scorer's name or a callable (estimator, X, y) -> float, "loss" for the
        negative loss, None for accuracy or R².

    validation_fraction : float in [0, 1), default=0.1
        Fraction of the rows that early stopping holds out, with "cross_validation" about that of each network.

    beta_1 : float in [0, 1), default=0.9
        Decay of the first moment, for adam and adamw; weight of the average in schedule_free_adamw, there above 0.

    beta_2 : float in [0, 1), default=0.999
        Decay of the second moment, for adam, adamw, schedule_free_adamw and rmsprop.

    epsilon : float in (0, inf), default=1e-8
        Added to the root of the second moment, for all solvers but sgd and lbfgs. Must not round to zero in `dtype`.

    n_iter_no_change : int or inf, default=10
        Epochs without progress after which training stops.

    max_fun : int, default=15000
        Largest number of evaluations in lbfgs.

    weight_init : str, Initializer or callable, default="auto"
        Initial weights, by name (see :data:`skneural.initializers.INITIALIZERS`), as an object, or as a callable
        (fan_in, fan_out, rng) -> array. "auto" depends on the activation: He for the ReLU family, Glorot for
        tanh and sigmoid, LeCun for SELU; it also draws the biases, see
        :class:`skneural.initializers.AutoInitializer`.

    bias_init : float, default=0.0
        Initial bias of the hidden units, with weight_init="auto" the centre of their distribution. The output
        biases of a classifier start at the log-odds of its classes.

    dtype : {"float32", "float64"} or None, default=None
        Precision of parameters and computation; None means float32 if `X` is float32, else float64."""

ATTRIBUTES_SECTION = """parameters_ : ndarray of shape (n_parameters,)
        All parameters in one vector: weights, biases, learned slopes; with `batch_norm` also the scales and, at its
        end, the running means, variances and numbers of batches, which no step changes.

    coefs_ : list of ndarray of shape (fan_in, n_units * n_pieces)
        Weights of each layer, views on `parameters_`. Can be set. With several members the last has shape
        (n_members, fan_in, n_outputs).

    intercepts_ : list of ndarray of shape (n_units * n_pieces,)
        Biases of each layer, views on `parameters_`. Can be set. With several members the last has shape
        (n_members, n_outputs).

    member_scales_ : ndarray of shape (n_members, `n_features_in_`)
        What each member multiplies the features by, a view on `parameters_`; ones for a single member, which learns
        none.

    slopes_ : list of ndarray
        Learned parameters of each hidden layer's activation, views on `parameters_`; empty where nothing is learned.

    activations_ : list of Activation
        One per hidden layer.

    backend_ : {"native", "numpy"}
        The implementation that trained the network; see :func:`skneural.use_backend`.

    out_activation_ : str
        The inverse link of the loss.

    n_features_in_ : int
        Number of features seen in `fit`.

    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, if all are strings.

    n_layers_, n_outputs_ : int
        Number of layers, input and output included; number of outputs.

    n_iter_ : int
        Epochs of the last `fit`; with `partial_fit`, of all calls.

    stopped_by_ : str
        Why the last call of `fit` ended. "max_iter": all epochs are done; "tol": the loss no longer decreases;
        "early_stopping": the validation score no longer improves; "callback": a callback requested it; "interrupted":
        Ctrl-C; "diverged": see :class:`skneural.DivergenceError`; for lbfgs also "max_fun", and "line_search" if that
        found no lower objective. After `partial_fit`, which always makes its epoch, "tol" and "early_stopping" mean
        that `fit` would have stopped here.

    t_ : int
        Rows used in training on mini-batches, counted once per epoch; lbfgs does not count.

    loss_ : float
        Objective of the last epoch.

    history_ : dict of list of float
        One entry per epoch of the last call of `fit` or `partial_fit`, and of up to 1000 epochs before it: "loss",
        "validation_loss", "validation_score", "learning_rate" (of the last batch), "gradient_norm" (of the last batch),
        "update_ratio" (norm of the last step divided by that of the parameters), "seconds" (short epochs that were
        computed in one call have equal values). NaN where a value is unknown; an empty list if there was no validation
        set. Files and copies do not hold "seconds", so that those of equal fits are equal.

    loss_curve_ : list of float
        The column "loss" of `history_`: mean loss during the epoch, plus the penalty at its end.

    best_loss_ : float or None
        Smallest loss since the last call of `fit` began; None with early stopping that does not train on all rows in
        the end.

    validation_loss_curve_, validation_scores_ : list of float or None
        Loss and score on the validation set after each epoch; None without one, NaN for epochs without one.

    best_validation_score_ : float or None
        The best of these scores."""


def fill_docstring(estimator: T) -> T:
    """Insert the shared parameters and attributes into a class's docstring."""
    text = estimator.__doc__ or ""
    estimator.__doc__ = text.replace("{parameters}", PARAMETERS_SECTION).replace("{attributes}", ATTRIBUTES_SECTION)
    return estimator
