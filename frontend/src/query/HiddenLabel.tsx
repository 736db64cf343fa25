import React from 'react';
import { css } from '@emotion/css';
import { useStyles2 } from '@grafana/ui';

const styles = () =>
  css({
    position: 'absolute',
    width: 1,
    height: 1,
    overflow: 'hidden',
    clipPath: 'inset(50%)',
    whiteSpace: 'nowrap',
  });

/** A label that screen readers read and that takes no room, for rows whose inputs explain each other. */
export function HiddenLabel({ children, htmlFor }: React.PropsWithChildren<{ htmlFor: string }>) {
  return (
    <label className={useStyles2(styles)} htmlFor={htmlFor}>
      {children}
    </label>
  );
}
