package io.holdfast.bridge;

import io.holdfast.reverse.KeptTranslation;
import java.util.List;

/** How connections are translated, for whoever keeps it over the proxy's own death. Any thread. */
public interface TranslationBook {

    /** Takes over the connections that an earlier life of the proxy translated; before the bridge is started. */
    void inherit(List<KeptTranslation> found);

    /** What an earlier life has left cannot be read: its connections are refused. */
    void inheritNothing();

    /** Grows whenever {@link #translations} has changed. */
    long version();

    /** To be on disk before the wall is opened for a restored guest, and soon after each change. */
    List<KeptTranslation> translations();

    /** That is on disk now. */
    void onKept(List<KeptTranslation> kept);
}
