import React, { useState } from 'react';
import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { Button, IconButton, Stack, Text, useStyles2 } from '@grafana/ui';

interface Props {
  /** What buttons call the item, such as `source shop-code`. */
  name: string;
  title: string;
  subtitle?: string;
  first: boolean;
  last: boolean;
  initiallyOpen: boolean;
  disabled?: boolean;
  onMove: (by: -1 | 1) => void;
  onRemove: () => void;
}

const styles = (theme: GrafanaTheme2) => ({
  card: css({
    background: theme.colors.background.secondary,
    borderRadius: theme.shape.radius.default,
    // On the left the fold button brings its own room; the body lines up with its icon.
    padding: theme.spacing(1, 2, 1, 0),
  }),
  body: css({ padding: theme.spacing(1, 0, 1, 2) }),
  spacer: css({ flexGrow: 1 }),
});

/** One item of an ordered list: folded to its title, with buttons to move and remove it. */
export function ItemCard(props: React.PropsWithChildren<Props>) {
  const { name, title, subtitle, first, last, initiallyOpen, disabled, onMove, onRemove, children } = props;
  const { card, body, spacer } = useStyles2(styles);
  const [open, setOpen] = useState(initiallyOpen);
  const [asking, setAsking] = useState(false);

  return (
    <div className={card} role="group" aria-label={name}>
      <Stack direction="row" gap={1} alignItems="center">
        <Button
          type="button"
          fill="text"
          variant="secondary"
          icon={open ? 'angle-down' : 'angle-right'}
          aria-expanded={open}
          aria-label={`${open ? 'Fold' : 'Unfold'} ${name}`}
          onClick={() => setOpen(!open)}
        >
          {title}
        </Button>
        {subtitle && <Text color="secondary">{subtitle}</Text>}
        <div className={spacer} />
        {asking ? (
          <>
            <Button type="button" size="sm" variant="destructive" onClick={onRemove}>
              {`Remove ${name}`}
            </Button>
            <Button type="button" size="sm" variant="secondary" onClick={() => setAsking(false)}>
              Keep
            </Button>
          </>
        ) : (
          <>
            <IconButton
              name="arrow-up"
              type="button"
              aria-label={`Move ${name} up`}
              disabled={disabled || first}
              onClick={() => onMove(-1)}
            />
            <IconButton
              name="arrow-down"
              type="button"
              aria-label={`Move ${name} down`}
              disabled={disabled || last}
              onClick={() => onMove(1)}
            />
            <IconButton
              name="trash-alt"
              type="button"
              aria-label={`Remove ${name}`}
              disabled={disabled}
              onClick={() => setAsking(true)}
            />
          </>
        )}
      </Stack>
      {open && <div className={body}>{children}</div>}
    </div>
  );
}
