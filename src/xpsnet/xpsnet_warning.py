"""The category of all warnings of xpsnet, below all else so that every module can warn."""


class XpsnetWarning(UserWarning):
    """Category of all warnings of xpsnet.

    Examples
    --------
    Stop at a warning instead of showing it:

    >>> import warnings
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("error", category=xpsnet.XpsnetWarning)
    ...     spectrum = xpsnet.sample("spectrum")
    """
